import { isZeroDecimal, readDecimal } from "./numbers.ts";
import { detached, trimPadding } from "./text.ts";

export type Unit = "g" | "kg" | "ml" | "l" | "unit" | "m";

/** What a unit text says: `100 גרם` is grams with the number 100. */
export interface UnitText {
  unit: Unit | undefined;
  number: string | undefined;
}

/** Spellings without number, spaces, dots and quotes of any kind (formats §6), and the usual Latin ones. */
const UNITS = new Map<string, Unit>([
  ...words("g", "גרם גרמים גר ג gram grams gr g"),
  ...words("kg", "קג קילוגרם קילוגרמים קילו קילוגרמ kg kilogram kilo"),
  ...words("ml", "מל מיליליטר מיליליטרים מיל ml milliliter millilitre"),
  ...words("l", "ליטר ליטרים ל l liter litre lt ltr"),
  ...words("unit", "יחידה יחידות יח יחי unit units pc pcs piece"),
  ...words("m", "מטר מטרים מ m meter metre"),
]);

const MAX_CACHED = 2_000;
const NOTHING: UnitText = { unit: undefined, number: undefined };

function words(unit: Unit, list: string): [string, Unit][] {
  return list.split(" ").map((word) => [word, unit]);
}

/** Reads unit texts; a chain writes a few dozen distinct ones, so each is worked out once. */
export class UnitReader {
  readonly #texts = new Map<string, UnitText>();

  read(text: string | undefined): UnitText {
    if (text === undefined || text.length === 0) return NOTHING;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const result = parseUnit(text);
    if (this.#texts.size >= MAX_CACHED) this.#texts.clear();
    this.#texts.set(detached(text), result);
    return result;
  }
}

function parseUnit(text: string): UnitText {
  const match = /^(\d+(?:\.\d+)?)?\s*(.*)$/su.exec(trimPadding(text));
  const word = (match?.[2] ?? "").replace(/[\s."'`´׳״“”’‘]/gu, "").toLowerCase();
  const unit = UNITS.get(word);
  const number = match?.[1] === undefined ? undefined : readDecimal(match[1], 0).value;
  // A number alone ("100.00", "1") names no unit: formats §6 lists it as unknown.
  return unit === undefined
    ? NOTHING
    : { unit, number: number !== undefined && isZeroDecimal(number) ? undefined : number };
}

/**
 * Canonical unit and quantity of an item. `UnitQty` names the unit of `Quantity`; where it is unknown, `UnitOfMeasure` ("100 גרם",
 * the basis of the unit price) names the same kind of unit. A quantity of zero is a placeholder; then the number inside the unit
 * text counts. The quantity is never rescaled: 1 kg stays 1 kg.
 */
export function canonicalSize(
  unitQty: UnitText,
  unitOfMeasure: UnitText,
  quantity: string | undefined,
): { unit: Unit | undefined; quantity: string | undefined } {
  const unit = unitQty.unit ?? unitOfMeasure.unit;
  const published = quantity === undefined || isZeroDecimal(quantity) ? undefined : quantity;
  return { unit, quantity: published ?? unitQty.number };
}
