/** Unread text up to this long is copied together with every chunk; longer text only when it has doubled. */
const COPIED_CHARS = 1024 * 1024;

/** The text of a document that is in hand: what is not read yet of chunks that come one after another. */
export class TextWindow {
  text = "";
  /** Where the unread text begins. */
  pos = 0;
  readonly #maxChars: number;
  #waiting: string[] = [];
  #waitingChars = 0;

  /** `maxChars`: no reader waits for more unread text than this. */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  get unreadChars(): number {
    return this.text.length - this.pos;
  }

  /**
   * Adds a chunk. False when it only waits: a row that goes on for megabytes is looked at again when it has doubled, since copying it
   * for every chunk would fill the memory.
   */
  add(chunk: string): boolean {
    this.#waiting.push(chunk);
    this.#waitingChars += chunk.length;
    const unread = this.unreadChars;
    if (unread > COPIED_CHARS && unread + this.#waitingChars < Math.min(2 * unread, this.#maxChars)) return false;
    this.takeWaiting();
    return true;
  }

  /** Puts what waits behind the unread text. */
  takeWaiting(): void {
    const [only = ""] = this.#waiting;
    const isAlone = this.unreadChars <= 0 && this.#waiting.length === 1;
    this.#set(isAlone ? only : joined([this.text.slice(this.pos), ...this.#waiting]), 0);
    this.#waiting = [];
    this.#waitingChars = 0;
  }

  /** True when a chunk may be added in two steps: up to the next row, and from there on where it is. */
  canSeam(): boolean {
    return this.#waitingChars === 0 && this.unreadChars <= COPIED_CHARS;
  }

  /** First step: the beginning of a chunk behind the unread text. */
  addBeginning(chunk: string, end: number): void {
    this.#set(joined([this.text.slice(this.pos), chunk.slice(0, end)]), 0);
  }

  /** Second step: the rest of the chunk, without a copy when everything before it was read. */
  addRest(chunk: string, from: number): void {
    if (this.unreadChars === 0) this.#set(chunk, from);
    else this.#set(joined([this.text.slice(this.pos), chunk.slice(from)]), 0);
  }

  #set(text: string, pos: number): void {
    this.text = text;
    this.pos = pos;
  }
}

/** One flat string: the sum of two would be read through an indirection at every character. */
function joined(pieces: readonly string[]): string {
  return pieces.join("");
}
