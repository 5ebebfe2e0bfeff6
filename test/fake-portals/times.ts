import { DateTime } from "luxon";
import { ISRAEL_ZONE } from "../../shared/israel-time.ts";

/** A moment as portals print it: Israel local time in a luxon format. */
export function israelText(moment: Date, format: string): string {
  return DateTime.fromJSDate(moment, { zone: ISRAEL_ZONE }).setLocale("en-US").toFormat(format);
}

/** `1.43 MB`, `812.5 KB`, `187 B`: decimal steps of 1024, as listings print sizes. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${round(bytes / 1024)} KB`;
  return bytes < 1024 ** 3 ? `${round(bytes / 1024 ** 2)} MB` : `${round(bytes / 1024 ** 3)} GB`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
