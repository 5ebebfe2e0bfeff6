import type { OpenElement } from "./outline.ts";

/** What the document reader hands rows to. */
export interface RowSink {
  /** A row begins: `row` and `list` are its element and the one around it. Called for every row. */
  begin(row: OpenElement, list: OpenElement | null): void;
  /**
   * Tries to read a flat row that begins at `start` and its content at `from`, up to and with its closing tag. Returns where it ends,
   * or -1 when the row is not whole yet or holds anything that only saxes should read.
   */
  scan(text: string, start: number, from: number): number;
  /** A whole row, its own tags included. */
  row(xml: string): void;
  /** Text that should have been a row and is not. */
  broken(reason: string, xml: string): void;
}
