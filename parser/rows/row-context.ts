import type { UnknownTags } from "../field-slots.ts";
import type { MasterKeys } from "../master/master-key.ts";
import { type DateReader, NO_DATE } from "../normalise/dates.ts";
import { decimalOrNothing, moneyOrNothing } from "../normalise/numbers.ts";
import { cleanText, readBoolean } from "../normalise/text.ts";
import type { UnitReader } from "../normalise/units.ts";
import type { Problems } from "../problems.ts";
import type { SeenCodes } from "../seen-codes.ts";

/** What the rows of one file share. */
export interface RowContext {
  masters: MasterKeys;
  dates: DateReader;
  units: UnitReader;
  problems: Problems;
  unknownTags: UnknownTags;
  seenCodes: SeenCodes;
}

/** Why a row cannot be used; `code` is the item or promotion that it names, if it does. */
export interface Rejection {
  reason: string;
  code: string | undefined;
}

/** Collects the texts of one row, fed by the flat scanner or by saxes, and makes rows of them. */
export interface RowBuilder<Row> {
  /** Forgets what was collected. */
  begin(): void;
  /** An element that holds text only; `text` has its entities resolved. */
  field(tag: string, text: string): void;
  /** An element that holds elements. */
  enter(tag: string): void;
  leave(tag: string): void;
  /** `line` is the 1-based number of the row in its file. */
  finish(line: number): Row | Rejection;
}

export function isRejection<Row extends object>(result: Row | Rejection): result is Rejection {
  return "reason" in result;
}

/** What some back offices write where they have no time: a date that is none (formats §6). */
const DEFAULT_UPDATE = "2015-01-01 00:00:00";

/**
 * The time a row was updated. Text that is no date costs only this field and is counted: a wrong date alone must not lose a price.
 */
export function updatedAtOf(context: RowContext, text: string | undefined, line: number): string | undefined {
  if (text === DEFAULT_UPDATE) return undefined;
  const result = context.dates.read(text);
  if (result !== NO_DATE) return result;
  context.problems.inRow("update time is no date and was left out", line, text ?? "");
  return undefined;
}

/**
 * A quantity or rate of a row, or of a link in it (`line` null); text that is none costs only this field and is counted. Empty texts and
 * placeholders are nothing.
 */
export function quantityOf(
  context: RowContext,
  field: string,
  text: string | undefined,
  line: number | null,
): string | undefined {
  const value = decimalOrNothing(text);
  if (value === undefined && text !== undefined) noteLost(context, `${field} is no number`, text, line);
  return value;
}

/** Money of a row, as `quantityOf`. */
export function moneyOf(
  context: RowContext,
  field: string,
  text: string | undefined,
  line: number | null,
): string | undefined {
  const value = moneyOrNothing(text);
  if (value === undefined && text !== undefined) noteLost(context, `${field} is no number`, text, line);
  return value;
}

/** A flag of a row, as `quantityOf`. */
export function flagOf(
  context: RowContext,
  field: string,
  text: string | undefined,
  line: number | null,
): boolean | undefined {
  const value = readBoolean(text);
  if (value === undefined && text !== undefined) noteLost(context, `${field} is neither 0 nor 1`, text, line);
  return value;
}

function noteLost(context: RowContext, what: string, text: string, line: number | null): void {
  if (cleanText(text) === undefined) return;
  if (line === null) context.problems.note(`${what} in a link and was left out`);
  else context.problems.inRow(`${what} and was left out`, line, text);
}
