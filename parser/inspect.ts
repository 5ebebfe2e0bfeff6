import { type FileNameParts, parseFileName } from "../shared/contracts/file-identity.ts";
import type { RejectedRow } from "../shared/contracts/ingest-messages.ts";
import type { DecompressOptions } from "./decompress.ts";
import type { Kind } from "./dialects/dialect.ts";
import { FileReading, type FileSummary } from "./file-reading.ts";
import { kindOf, summaryOf } from "./parse-file.ts";
import type { IngestRow } from "./row-reader.ts";

export interface InspectOptions extends DecompressOptions {
  /** Tells the kind of file when it is a published name; otherwise the content does. */
  fileName: string;
  /** Registry key, or the chain id; it stands in the keys of own masters. */
  chain: string;
  /** Rows and rejected rows shown. */
  samples?: number;
}

/** What is in a file. */
export interface Inspection extends FileSummary {
  kind: Kind | null;
  /** What the name says; null for a name that follows no known form. */
  name: FileNameParts | null;
  rowsRejected: number;
  sampleRows: IngestRow[];
  sampleRejected: RejectedRow[];
}

/** A row, a row that cannot be used, or, last of all, what is known of the whole file. */
export type InspectedRow = { row: IngestRow } | { rejected: RejectedRow } | { summary: FileSummary };

/** Reads a whole file and tells what is in it, without loading anything. @throws {UnreadableFileError} */
export async function inspectFile(source: AsyncIterable<Uint8Array>, options: InspectOptions): Promise<Inspection> {
  const samples = options.samples ?? 5;
  const sampleRows: IngestRow[] = [];
  const sampleRejected: RejectedRow[] = [];
  let rowsRejected = 0;
  const output = {
    row: (row: IngestRow) => {
      if (sampleRows.length < samples) sampleRows.push(row);
    },
    rejected: (row: RejectedRow) => {
      rowsRejected++;
      if (sampleRejected.length < samples) sampleRejected.push(row);
    },
  };
  const name = readName(options.fileName);
  const reading = new FileReading({ ...options, kind: kindOfName(name), output });
  for await (const _ of reading.run(source)) continue;
  return {
    kind: reading.kind,
    name,
    rowsRejected,
    sampleRows,
    sampleRejected,
    ...summaryOf(reading, name?.fileType ?? null),
  };
}

/** Every row of a file as it is read, and at its end the summary. @throws {UnreadableFileError} */
export async function* inspectRows(
  source: AsyncIterable<Uint8Array>,
  options: InspectOptions,
): AsyncGenerator<InspectedRow, void, void> {
  let found: InspectedRow[] = [];
  const output = {
    row: (row: IngestRow) => {
      found.push({ row });
    },
    rejected: (rejected: RejectedRow) => {
      found.push({ rejected });
    },
  };
  const name = readName(options.fileName);
  const reading = new FileReading({ ...options, kind: kindOfName(name), output });
  for await (const _ of reading.run(source)) {
    yield* found;
    found = [];
  }
  yield { summary: summaryOf(reading, name?.fileType ?? null) };
}

function readName(fileName: string): FileNameParts | null {
  try {
    return parseFileName(fileName);
  } catch {
    return null;
  }
}

function kindOfName(name: FileNameParts | null): Kind | null {
  return name === null ? null : kindOf(name.fileType);
}
