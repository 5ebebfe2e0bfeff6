/** What a file speaks of; decides the topic and the row builder. */
export type Kind = "price" | "promo" | "stores";

/** What the reader saw of a file when its first row was read (or at its end, without rows): all that a dialect may decide on. */
export interface Shape {
  kind: Kind;
  /** Local names in lower case; null where there is none. */
  root: string | null;
  list: string | null;
  row: string | null;
  /** Every element name outside the rows, as published without prefix. */
  outside: ReadonlySet<string>;
  /** Every element name of the first row, as published without prefix. */
  inRow: ReadonlySet<string>;
}

/**
 * One way in which files are laid out. Never tied to a chain: chains change their back office without notice, and branches of one
 * chain publish in two layouts for a while.
 */
export interface Dialect {
  id: string;
  kind: Kind;
  /** Elements whose complex children are rows; local names in lower case. */
  lists: readonly string[];
  /** Elements that are rows wherever they stand outside another row. */
  rows: readonly string[];
  matches(shape: Shape): boolean;
  /** One row per promotion and item: rows of one promotion are put together. */
  flatPromotions?: boolean;
  /** The numbers of weighted and plain promotions have the meaning of formats §4, rules 1 and 2. */
  certainUnitPrice?: boolean;
}

/** True when a name ends in `ID` where older layouts have `Id` ("ChainID"). */
export function hasUpperId(names: ReadonlySet<string>, stem: string): boolean {
  return names.has(`${stem}ID`);
}
