import {
  type IngestMessage,
  productsIngest,
  type ProductsIngest,
  promotionsIngest,
  type PromotionsIngest,
  storesIngest,
  type StoresIngest,
} from "../shared/contracts/ingest-messages.ts";
import { InvalidMessageError } from "../shared/contracts/validation.ts";
import { storeLockName } from "./locks.ts";

interface BatchFacts {
  /** Small number that stands for the batch in the staging tables. */
  no: number;
  lockName: string;
  /** Rows that count as seen: loaded ones, and rejected ones whose code could be read. */
  seenCount: number;
}

/** A batch of one flush, validated. */
export type FlushBatch = BatchFacts &
  (
    | { kind: "price"; message: ProductsIngest; storeCode: string }
    | { kind: "promo"; message: PromotionsIngest; storeCode: string }
    | { kind: "stores"; message: StoresIngest; storeCode: null }
  );

/**
 * Validates messages and numbers them; a batch that stands twice among them counts once.
 * @throws {InvalidMessageError} for the first message that is not as agreed
 */
export function prepareFlush(values: readonly unknown[]): FlushBatch[] {
  const batches = new Map<string, FlushBatch>();
  for (const value of values) {
    const batch = readBatch(value, batches.size);
    if (!batches.has(batch.message.batch_id)) batches.set(batch.message.batch_id, batch);
  }
  return [...batches.values()];
}

function readBatch(value: unknown, no: number): FlushBatch {
  const kind = kindOf(value);
  if (kind === "stores") {
    const message = storesIngest.parse(value);
    return { no, kind, message, storeCode: null, ...factsOf(message, null) };
  }
  const message = kind === "price" ? productsIngest.parse(value) : promotionsIngest.parse(value);
  const storeCode = message.storeId;
  if (storeCode === null || storeCode === "") {
    throw new InvalidMessageError(`${message.fileName} holds ${kind} rows but names no store`, {
      hint: "a price or promotion file must name its store in its name or its header",
    });
  }
  const facts = factsOf(message, storeCode);
  return kind === "price"
    ? { no, kind, message: message as ProductsIngest, storeCode, ...facts }
    : { no, kind, message: message as PromotionsIngest, storeCode, ...facts };
}

function kindOf(value: unknown): "price" | "promo" | "stores" {
  const fileType = (value as { fileType?: unknown } | null)?.fileType;
  if (fileType === "price" || fileType === "price-full") return "price";
  if (fileType === "promo" || fileType === "promo-full") return "promo";
  if (fileType === "stores") return "stores";
  throw new InvalidMessageError(`not a batch of rows: its fileType is ${JSON.stringify(fileType)}`);
}

function factsOf(message: IngestMessage, storeCode: string | null): { lockName: string; seenCount: number } {
  if (message.isLast !== (message.totals !== undefined)) {
    throw new InvalidMessageError(
      `batch ${message.batchIndex} of ${message.fileName}: the totals of the file belong on its last batch, and only there`,
    );
  }
  const rejectedWithCode = message.rejected.filter((row) => row.code !== undefined && row.code !== "").length;
  return {
    lockName: storeLockName(message.chainId, storeCode),
    seenCount: message.items.length + rejectedWithCode,
  };
}

/** Is it a full file, whose absence of a row means something? */
export function isFull(message: IngestMessage): boolean {
  return message.fileType === "price-full" || message.fileType === "promo-full";
}
