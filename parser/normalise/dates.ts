import { israelLocalToIso } from "../../shared/israel-time.ts";
import { detached, trimPadding } from "./text.ts";

/** The published text is a date that does not exist or no date at all. */
export const NO_DATE = Symbol("no date");

/** ISO 8601 with Israel's offset; undefined when nothing is published (empty, or a zero date such as 1899-12-30); NO_DATE. */
export type DateResult = string | undefined | typeof NO_DATE;

const YEAR_FIRST = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]+(\S+))?$/;
const DAY_FIRST = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T ]+(\S+))?$/;
const COMPACT = /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,7})?)?(Z|[+-]\d{2}:?\d{2})?$/i;

/** Years up to this one are defaults of some software (1899-12-30, 1900-01-01, 0001-01-01), not dates. */
const LAST_ZERO_YEAR = 1950;
const MAX_CACHED = 20_000;

/**
 * Reads dates of one file: every form of formats §6, Israel local time with daylight saving unless an offset is published. A text
 * is worked out once; days without a clock change share one offset, so distinct times of one day cost no time zone work either.
 */
export class DateReader {
  readonly #texts = new Map<string, DateResult>();
  readonly #offsets = new Map<string, string | null>();

  /** A date with or without a time of day in one text. */
  read(text: string | undefined): DateResult {
    if (text === undefined || text.length === 0) return undefined;
    const known = this.#texts.get(text);
    if (known !== undefined || this.#texts.has(text)) return known;
    const result = this.#parse(trimPadding(text));
    if (this.#texts.size >= MAX_CACHED) this.#texts.clear();
    this.#texts.set(detached(text), result);
    return result;
  }

  /** A date and an hour in two elements; the hour may be missing (midnight). */
  readPair(date: string | undefined, hour: string | undefined): DateResult {
    const clock = hour === undefined ? "" : trimPadding(hour);
    if (date === undefined || clock.length === 0) return this.read(date);
    const day = trimPadding(date);
    if (day.length === 0) return undefined;
    const dayOnly = day.split(/[T ]/, 1)[0] ?? day;
    return this.read(`${dayOnly} ${clock.includes("T") ? clock.slice(clock.indexOf("T") + 1) : clock}`);
  }

  #parse(text: string): DateResult {
    if (text.length === 0) return undefined;
    const first = YEAR_FIRST.exec(text);
    if (first) return this.#moment(Number(first[1]), Number(first[3]), Number(first[4]), first[5]);
    const last = DAY_FIRST.exec(text);
    if (last) return this.#moment(Number(last[4]), Number(last[3]), Number(last[1]), last[5]);
    const compact = COMPACT.exec(text);
    if (!compact) return /^0+$/.test(text) ? undefined : NO_DATE;
    const clock = compact[4] === undefined ? undefined : `${compact[4]}:${compact[5]}:${compact[6] ?? "00"}`;
    return this.#moment(Number(compact[1]), Number(compact[2]), Number(compact[3]), clock);
  }

  #moment(year: number, month: number, day: number, clock: string | undefined): DateResult {
    if (year === 0 && month === 0 && day === 0) return undefined;
    const match = clock === undefined ? null : CLOCK.exec(clock);
    if (clock !== undefined && !match) return NO_DATE;
    const hour = Number(match?.[1] ?? 0);
    const minute = Number(match?.[2] ?? 0);
    const second = Number(match?.[3] ?? 0);
    const midnightAfter = hour === 24 && minute === 0 && second === 0;
    if ((hour > 23 && !midnightAfter) || minute > 59 || second > 59) return NO_DATE;
    if (midnightAfter) return this.#dayAfter(year, month, day);
    const offset = match?.[4];
    const iso = this.#local(year, month, day, hour, minute, second, offset);
    return iso !== NO_DATE && year <= LAST_ZERO_YEAR ? undefined : iso;
  }

  #local(y: number, m: number, d: number, hour: number, minute: number, second: number, offset?: string): DateResult {
    const day = `${String(y).padStart(4, "0")}-${pad(m)}-${pad(d)}`;
    const usual = this.#offsetOf(day, y, m, d);
    if (usual === undefined) return NO_DATE;
    const local = `${day}T${pad(hour)}:${pad(minute)}:${pad(second)}`;
    if (offset !== undefined) return local + isoOffset(offset);
    if (usual !== null) return local + usual;
    return israelLocalToIso({ year: y, month: m, day: d, hour, minute, second }) ?? NO_DATE;
  }

  /** The offset of a whole day; null on a day when the clocks change; undefined for a day that does not exist. */
  #offsetOf(day: string, year: number, month: number, dayOfMonth: number): string | null | undefined {
    const known = this.#offsets.get(day);
    if (known !== undefined) return known;
    const at = (hour: number, minute: number, second: number) =>
      israelLocalToIso({ year, month, day: dayOfMonth, hour, minute, second })?.slice(19);
    const start = at(0, 0, 0);
    if (start === undefined) return undefined;
    const offset = start === at(23, 59, 59) ? start : null;
    if (this.#offsets.size >= MAX_CACHED) this.#offsets.clear();
    this.#offsets.set(day, offset);
    return offset;
  }

  #dayAfter(year: number, month: number, day: number): DateResult {
    if (this.#local(year, month, day, 0, 0, 0) === NO_DATE) return NO_DATE;
    const next = new Date(Date.UTC(year, month - 1, day + 1));
    return this.#local(next.getUTCFullYear(), next.getUTCMonth() + 1, next.getUTCDate(), 0, 0, 0);
  }
}

function pad(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function isoOffset(offset: string): string {
  if (offset.toUpperCase() === "Z") return "+00:00";
  return offset.includes(":") ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`;
}
