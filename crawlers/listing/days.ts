import type { ListingFilter } from "../../shared/contracts/portal-family.ts";
import { daysBefore, israelDay } from "../../shared/israel-time.ts";

/**
 * The Israel days (`yyyy-mm-dd`) to ask a portal for that lists by day, newest first: those of the filter up to today, by default
 * today and yesterday.
 */
export function daysOf(filter: ListingFilter, now: Date): string[] {
  const today = israelDay(now);
  const until = filter.until !== undefined && filter.until < today ? filter.until : today;
  const since = filter.since ?? daysBefore(until, 1);
  const days: string[] = [];
  for (let day = until; day >= since; day = daysBefore(day, 1)) days.push(day);
  return days;
}

/** `2026-01-02` as `02/01/2026`. */
export function dayMonthYear(day: string): string {
  return day.split("-").reverse().join("/");
}
