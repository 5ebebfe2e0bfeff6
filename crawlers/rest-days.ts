import { DateTime } from "luxon";
import { ISRAEL_ZONE } from "../shared/israel-time.ts";

/** Days on which work is forbidden, in the Hebrew calendar as Intl names its months: Rosh Hashana to Shavuot. */
const HOLIDAYS = new Set([
  "1 Tishri",
  "2 Tishri",
  "10 Tishri",
  "15 Tishri",
  "22 Tishri",
  "15 Nisan",
  "21 Nisan",
  "6 Sivan",
]);

/** Rest begins on the eve and ends after dark; these hours (Israel) are on the safe side of sunset in every season. */
const BEGINS_HOUR = 14;
const ENDS_HOUR = 21;

// Built on first use: formatters are slow to make and this one never changes.
let hebrewDate: Intl.DateTimeFormat | undefined;

/** Why Israel rests at this moment (`Shabbat`, `a holiday`), or null on a working day. */
export function restAt(moment: Date): string | null {
  const local = DateTime.fromJSDate(moment, { zone: ISRAEL_ZONE });
  if (local.hour < ENDS_HOUR) {
    const today = restOn(local);
    if (today) return today;
  }
  return local.hour >= BEGINS_HOUR ? restOn(local.plus({ days: 1 })) : null;
}

function restOn(day: DateTime): string | null {
  if (day.weekday === 6) return "Shabbat";
  hebrewDate ??= new Intl.DateTimeFormat("en-u-ca-hebrew", { timeZone: ISRAEL_ZONE, day: "numeric", month: "long" });
  return HOLIDAYS.has(hebrewDate.format(day.set({ hour: 12 }).toJSDate())) ? "a holiday" : null;
}
