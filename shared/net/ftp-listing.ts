import { FileType, type FileInfo, parseList } from "basic-ftp";
import { LayoutNotRecognisedError } from "../errors.ts";

/** The first words of a listing, for a person who must see what came instead. */
const EXCERPT_CHARS = 80;

const NO_TIME = /\bmodify=(?!\d{14})[^;\r\n]*;/gi;

/**
 * The entries of a raw directory listing (MLSD, or LIST in Unix or DOS style).
 * @throws {LayoutNotRecognisedError} for text in no such form, and for entries of which none says what it is: they would be dropped,
 *   and a directory full of files would look empty
 */
export function readFtpListing(host: string, raw: string): FileInfo[] {
  let entries: FileInfo[];
  try {
    // A time that is none would fail the whole listing: without it the entry says less, and is not lost.
    entries = parseList(raw.replaceAll(NO_TIME, ""));
  } catch (cause) {
    throw layoutError(host, raw, "lines of a directory listing", cause);
  }
  if (entries.length > 0 && entries.every(({ type }) => type === FileType.Unknown)) {
    throw layoutError(host, raw, 'entries with "type="');
  }
  return entries;
}

function layoutError(host: string, raw: string, part: string, cause?: unknown): LayoutNotRecognisedError {
  const text = raw.slice(0, 1_000).replace(/\s+/g, " ").trim();
  const start = text.length > EXCERPT_CHARS ? `${text.slice(0, EXCERPT_CHARS)}…` : text;
  const message = `host ${host}: the FTP listing came without ${part}; it starts with "${start}"`;
  return new LayoutNotRecognisedError(message, cause === undefined ? {} : { cause });
}
