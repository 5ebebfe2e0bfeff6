import type { RejectedRow } from "../shared/contracts/ingest-messages.ts";

/** Rejected rows of one file that are kept; all are counted. */
export const MAX_KEPT_REJECTED = 1_000;
const MAX_REASON = 500;
const MAX_RAW = 4_000;
const MAX_CODE = 64;

/** A row that could not be used, with why. `code` is the item or promotion it spoke of, so that it counts as seen. */
export function rejectedRow(line: number, reason: string, raw: string, code: string | undefined): RejectedRow {
  const row: RejectedRow = { line, reason: cut(reason, MAX_REASON), raw: cut(raw, MAX_RAW) };
  if (code !== undefined && code.length > 0 && code.length <= MAX_CODE) row.code = code;
  return row;
}

/** The first `length` characters, never half of a surrogate pair. NUL cannot be stored as text. */
function cut(text: string, length: number): string {
  const head = text.length > length ? text.slice(0, length).toWellFormed() : text;
  return head.includes("\0") ? head.replaceAll("\0", "�") : head;
}
