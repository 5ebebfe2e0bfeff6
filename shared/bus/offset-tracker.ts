/**
 * Which offset of one partition may be committed while its messages finish in any order: everything below the lowest unfinished one.
 */
export class OffsetTracker {
  readonly topic: string;
  readonly partition: number;
  /** In order of arrival, which is ascending. */
  #unfinished: number[] = [];
  /** Finished above the lowest unfinished one. */
  readonly #finished = new Set<number>();
  #next: number | undefined;
  #committed: number | undefined;
  #open = true;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** False once the partition belongs to somebody else: what finishes later counts for nothing. */
  get open(): boolean {
    return this.#open;
  }

  started(offset: number): void {
    // Where reading began counts as committed.
    this.#committed ??= offset;
    this.#unfinished.push(offset);
    this.#next = offset + 1;
  }

  finished(offset: number): void {
    this.#finished.add(offset);
    const first = this.#unfinished.findIndex((each) => !this.#finished.has(each));
    const done = this.#unfinished.splice(0, first === -1 ? this.#unfinished.length : first);
    for (const each of done) this.#finished.delete(each);
  }

  /** The offset to commit, which is the next one to read after a restart; undefined when there is nothing new. */
  toCommit(): number | undefined {
    const offset = this.#unfinished[0] ?? this.#next;
    return this.#open && offset !== this.#committed ? offset : undefined;
  }

  committed(offset: number): void {
    this.#committed = offset;
  }

  close(): void {
    this.#open = false;
  }
}
