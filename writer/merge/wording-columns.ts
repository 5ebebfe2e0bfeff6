/** What a price row says of the product itself: the same columns in `items` and in the staging tables. The GTIN follows from the code. */
const WORDING = [
  "name",
  "manufacturer",
  "manufacturer_description",
  "country",
  "unit",
  "quantity",
  "unit_qty",
  "unit_of_measure",
  "qty_in_package",
  "weighted",
  "item_type",
] as const;

/** The columns, of a table where one is named: `s.name, s.manufacturer, …`. */
export function wordingOf(alias?: string): string {
  return WORDING.map((column) => (alias === undefined ? column : `${alias}.${column}`)).join(", ");
}

/** `name = s.name, …` */
export function setWording(alias: string): string {
  return WORDING.map((column) => `${column} = ${alias}.${column}`).join(", ");
}

/** Nulls in their place, each of its type, for what is named and not described. */
export const NO_WORDING = WORDING.map(() => "NULL").join(", ");

/** True where two tables word an item otherwise, its GTIN included. */
export function isReworded(items: string, staged: string): string {
  return `(${wordingOf(items)}, ${items}.gtin) IS DISTINCT FROM (${wordingOf(staged)}, ${staged}.gtin)`;
}
