/** One measure, and what it is held against in the same run. */
export interface Measure {
  name: string;
  value: number;
  unit: "files/s" | "items/s" | "rows/s" | "messages/s" | "s" | "MB";
  /** In the same unit. A baseline itself is held against itself. */
  baseline: number;
  /** Value by baseline: above 1 is better where the unit is a rate, worse where it is seconds or memory. */
  ratio: number;
}

/** Keeps four digits: more would be noise. */
export function measure(name: string, unit: Measure["unit"], value: number, baseline: number): Measure {
  return { name, value: rounded(value), unit, baseline: rounded(baseline), ratio: rounded(value / baseline) };
}

/** @throws {RangeError} without values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError("no values to take the median of");
  return middle;
}

/** Seconds that the work takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
