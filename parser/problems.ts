import { excerpt } from "./sniff.ts";

const MAX_KINDS = 100;

interface Problem {
  count: number;
  first: string;
}

/** What was odd in a file but cost no row, counted by kind; the first case of each is kept as an example. */
export class Problems {
  readonly #kinds = new Map<string, Problem>();

  /** Something about the file as a whole. */
  note(text: string): void {
    this.#add(text, "");
  }

  /** Something in one row, for example `updatedAt is no date`. */
  inRow(kind: string, line: number, text: string): void {
    this.#add(kind, `, first in row ${line}: ${excerpt(text)}`);
  }

  /** One line per kind, in the order in which they were met. */
  list(): string[] {
    return [...this.#kinds].map(([kind, { count, first }]) => {
      if (first === "") return count === 1 ? kind : `${kind} (${count} times)`;
      return `${kind} in ${count} ${count === 1 ? "row" : "rows"}${first}`;
    });
  }

  #add(kind: string, first: string): void {
    const known = this.#kinds.get(kind);
    if (known) known.count++;
    else if (this.#kinds.size < MAX_KINDS) this.#kinds.set(kind, { count: 1, first });
  }
}
