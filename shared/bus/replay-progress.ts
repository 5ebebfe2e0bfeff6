import { UsageError } from "../errors.ts";

/** Kafka's default bound on the text beside a committed offset. */
const METADATA_LIMIT = 4_096;

/**
 * Which messages of a partition were replayed: everything below `from`, and those above it that a person picked out, kept as
 * ranges in the metadata of the committed offset ("12-14,20").
 */
export class ReplayProgress {
  #from: number;
  readonly #picked: Set<number>;

  private constructor(from: number, picked: Set<number>) {
    this.#from = from;
    this.#picked = picked;
    this.#advance();
  }

  /** @param offset as committed; undefined or negative where nothing was */
  static read(offset: number | undefined, metadata: string | null | undefined, low: number): ReplayProgress {
    const from = offset === undefined || offset < low ? low : offset;
    const picked = new Set<number>();
    for (const range of (metadata ?? "").split(",")) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(range);
      if (match?.[1] === undefined) continue;
      for (let each = Number(match[1]); each <= Number(match[2] ?? match[1]); each += 1) picked.add(each);
    }
    return new ReplayProgress(from, picked);
  }

  /** The first message that was not replayed. */
  get from(): number {
    return this.#from;
  }

  has(offset: number): boolean {
    return offset < this.#from || this.#picked.has(offset);
  }

  add(offset: number): void {
    this.#picked.add(offset);
    this.#advance();
  }

  /** @throws {UsageError} when so many were picked out singly that it does not fit */
  get metadata(): string {
    const ranges: string[] = [];
    const sorted = [...this.#picked].sort((a, b) => a - b);
    for (let index = 0; index < sorted.length; index += 1) {
      const first = sorted[index];
      while (sorted[index + 1] === (sorted[index] ?? 0) + 1) index += 1;
      const last = sorted[index];
      ranges.push(first === last ? `${first}` : `${first}-${last}`);
    }
    const text = ranges.join(",");
    if (text.length > METADATA_LIMIT) {
      throw new UsageError("too many single dead letters were replayed out of turn to remember them all", {
        hint: "replay the older ones of this topic first, or all of them",
      });
    }
    return text;
  }

  #advance(): void {
    while (this.#picked.delete(this.#from)) this.#from += 1;
    for (const offset of this.#picked) if (offset < this.#from) this.#picked.delete(offset);
  }
}
