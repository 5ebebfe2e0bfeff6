import { DateTime } from "luxon";

/** Every time that a chain publishes is local to this zone, without an offset (docs of the portals and files). */
export const ISRAEL_ZONE = "Asia/Jerusalem";

/** A wall-clock time in Israel. `month` and `day` count from 1. */
export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/**
 * ISO 8601 with Israel's offset at that moment, for example `2026-08-14T03:00:00+03:00`; null when there is no such date. Of the hour
 * that comes twice in autumn it is the second: left to the library, the answer would depend on the season in which it is asked.
 */
export function israelLocalToIso(local: LocalTime): string | null {
  const time = DateTime.fromObject(local, { zone: ISRAEL_ZONE });
  if (!time.isValid) return null;
  return (time.getPossibleOffsets().at(-1) ?? time).toISO({ suppressMilliseconds: true });
}

/** The calendar day in Israel, `yyyy-mm-dd`, of a moment. */
export function israelDay(moment: Date | string): string {
  const time = typeof moment === "string" ? DateTime.fromISO(moment) : DateTime.fromJSDate(moment);
  const day = time.setZone(ISRAEL_ZONE).toISODate();
  if (day === null) throw new RangeError(`not a time: ${String(moment)}`);
  return day;
}

/** The day `days` before (negative: after) a day, both `yyyy-mm-dd`. */
export function daysBefore(day: string, days: number): string {
  const earlier = DateTime.fromISO(day, { zone: ISRAEL_ZONE }).minus({ days }).toISODate();
  if (earlier === null) throw new RangeError(`not a day: ${day}`);
  return earlier;
}

/** `yyyymmddHHMMSS` in UTC: sorts as text in the order of time, DST included. */
export function utcStamp(iso: string): string {
  const time = DateTime.fromISO(iso, { setZone: true }).toUTC();
  if (!time.isValid) throw new RangeError(`not a time: ${iso}`);
  return time.toFormat("yyyyMMddHHmmss");
}
