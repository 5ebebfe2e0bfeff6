import { batchIdOf } from "../shared/contracts/file-identity.ts";
import type { FileDownloaded, FileIdentity } from "../shared/contracts/file-messages.ts";
import {
  type FileTotals,
  type IngestMessage,
  type ProductRow,
  ProductRowSchema,
  productsIngest,
  type PromotionRow,
  PromotionRowSchema,
  promotionsIngest,
  type RejectedRow,
  type StoreRow,
  StoreRowSchema,
  storesIngest,
} from "../shared/contracts/ingest-messages.ts";
import {
  BATCH_MAX_BYTES,
  BATCH_MAX_ROWS,
  ingestTopicOf,
  MAX_MESSAGE_BYTES,
  TOPICS,
} from "../shared/contracts/topics.ts";
import { InvalidMessageError, type Validator, validatorOf } from "../shared/contracts/validation.ts";
import { errorMessage } from "../shared/errors.ts";
import { PARSER_VERSION } from "./parser-version.ts";
import { MAX_KEPT_REJECTED, rejectedRow } from "./reject.ts";
import type { IngestRow, RowOutput } from "./row-reader.ts";
import { productBytes, promotionBytes, rejectedBytes, storeBytes } from "./row-size.ts";

/** Room for what a message holds besides its rows. */
const ENVELOPE_BYTES = 64 * 1024;
/** A row above this is measured exactly before it may travel. */
const MEASURED_ABOVE_BYTES = 1024 * 1024;

const VALIDATORS = {
  [TOPICS.products]: { batch: productsIngest, row: validatorOf("a product", ProductRowSchema) },
  [TOPICS.promotions]: { batch: promotionsIngest, row: validatorOf("a promotion", PromotionRowSchema) },
  [TOPICS.stores]: { batch: storesIngest, row: validatorOf("a store", StoreRowSchema) },
} satisfies Record<string, { batch: Validator<unknown>; row: Validator<unknown> }>;

/**
 * Cuts the rows of one file into messages: 500 rows or 256 KB, whichever comes first; a larger promotion alone. Every message is
 * validated; a row that fails becomes a rejected row. One full batch is always held back, so that the last one can say it is last.
 */
export class Batcher implements RowOutput {
  rowsRejected = 0;
  readonly #identity: FileIdentity;
  readonly #file: FileDownloaded;
  readonly #validators: { batch: Validator<unknown>; row: Validator<unknown> };
  #rows: IngestRow[] = [];
  #rejected: RejectedRow[] = [];
  #bytes = 0;
  #keptRejected = 0;
  #closed: { rows: IngestRow[]; rejected: RejectedRow[] }[] = [];
  #index = 0;

  constructor(file: FileDownloaded) {
    this.#file = file;
    this.#identity = identityOf(file);
    const topic = ingestTopicOf(file.fileType);
    if (topic === TOPICS.discovered || topic === TOPICS.downloaded) throw new Error(`${topic} is no ingest topic`);
    this.#validators = VALIDATORS[topic];
  }

  /** True when rejected rows were counted that are not kept: their items are not known to be seen. */
  get droppedRejected(): boolean {
    return this.rowsRejected > this.#keptRejected;
  }

  row(row: IngestRow): void {
    let bytes = bytesOf(row);
    if (bytes > MEASURED_ABOVE_BYTES) {
      const json = JSON.stringify(row);
      bytes = Buffer.byteLength(json);
      if (bytes > MAX_MESSAGE_BYTES - ENVELOPE_BYTES) {
        const code = "promotionCode" in row ? row.promotionCode : undefined;
        this.rejected(rejectedRow(row.line, `row of ${bytes} bytes, larger than a message may be`, json, code));
        return;
      }
    }
    if (this.#bytes + bytes > BATCH_MAX_BYTES) this.#close();
    this.#rows.push(row);
    this.#bytes += bytes;
    if (this.#rows.length === BATCH_MAX_ROWS || this.#bytes >= BATCH_MAX_BYTES) this.#close();
  }

  rejected(row: RejectedRow): void {
    this.rowsRejected++;
    if (this.#keptRejected === MAX_KEPT_REJECTED) return;
    this.#keptRejected++;
    const bytes = rejectedBytes(row);
    if (this.#bytes + bytes > BATCH_MAX_BYTES) this.#close();
    this.#rejected.push(row);
    this.#bytes += bytes;
  }

  /** Messages that are whole and not the last. */
  *ready(): Generator<IngestMessage> {
    while (this.#closed.length > 1) yield this.#next();
  }

  /** What is left; the last message carries the totals. A file without rows gives one empty message. */
  *last(totalsOf: (batchCount: number, rowsRejected: number) => FileTotals): Generator<IngestMessage> {
    if (this.#rows.length > 0 || this.#rejected.length > 0 || this.#closed.length === 0) this.#close(true);
    yield* this.ready();
    const batch = this.#shift();
    // Validated without totals first: a row that fails then still counts.
    const message = this.#message(batch.rows, batch.rejected);
    const totals = totalsOf(this.#index, this.rowsRejected);
    yield { ...message, isLast: true, totals };
  }

  #close(evenEmpty = false): void {
    if (!evenEmpty && this.#rows.length === 0 && this.#rejected.length === 0) return;
    this.#closed.push({ rows: this.#rows, rejected: this.#rejected });
    this.#rows = [];
    this.#rejected = [];
    this.#bytes = 0;
  }

  #shift(): { rows: IngestRow[]; rejected: RejectedRow[] } {
    const batch = this.#closed.shift();
    if (batch === undefined) throw new Error("no batch is closed");
    return batch;
  }

  #next(): IngestMessage {
    const { rows, rejected } = this.#shift();
    return this.#message(rows, rejected);
  }

  #message(rows: IngestRow[], rejected: RejectedRow[]): IngestMessage {
    const batchIndex = this.#index++;
    const message = {
      ...this.#identity,
      batch_id: batchIdOf(this.#file.fileId, this.#file.sha256, PARSER_VERSION, batchIndex),
      batchIndex,
      isLast: false,
      parserVersion: PARSER_VERSION,
      sha256: this.#file.sha256,
      objectUri: this.#file.s3_path,
      rejected,
      items: rows as ProductRow[] | PromotionRow[] | StoreRow[],
    } as IngestMessage;
    try {
      this.#validators.batch.parse(message);
    } catch (error) {
      if (!(error instanceof InvalidMessageError)) throw error;
      message.items = this.#validRows(rows, rejected) as typeof message.items;
      this.#validators.batch.parse(message);
    }
    return message;
  }

  /** The rows that are valid; the others become rejected rows. */
  #validRows(rows: IngestRow[], rejected: RejectedRow[]): IngestRow[] {
    return rows.filter((row) => {
      try {
        this.#validators.row.parse(row);
        return true;
      } catch (error) {
        this.rowsRejected++;
        this.#keptRejected++;
        rejected.push(rejectedRow(row.line, errorMessage(error), JSON.stringify(row), codeOf(row)));
        return false;
      }
    });
  }
}

function codeOf(row: IngestRow): string | undefined {
  if ("ean" in row) return row.ean;
  return "promotionCode" in row ? row.promotionCode : undefined;
}

function bytesOf(row: IngestRow): number {
  if ("ean" in row) return productBytes(row);
  return "promotionCode" in row ? promotionBytes(row) : storeBytes(row);
}

/** Who the file is, without what the downloader learned of its bytes. */
function identityOf(file: FileDownloaded): FileIdentity {
  return {
    schemaVersion: file.schemaVersion,
    fileId: file.fileId,
    chain: file.chain,
    chainId: file.chainId,
    subChainId: file.subChainId,
    storeId: file.storeId,
    portal: file.portal,
    fileName: file.fileName,
    fileType: file.fileType,
    publishedAt: file.publishedAt,
    version: file.version,
    revision: file.revision,
  };
}
