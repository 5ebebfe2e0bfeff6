/** Keys of messages that are in a call or wait for their next try, each with how many of its messages are. */
export class BusyKeys {
  readonly #holders = new Map<string, number>();

  has(key: string): boolean {
    return this.#holders.has(key);
  }

  hold(key: string): void {
    this.#holders.set(key, (this.#holders.get(key) ?? 0) + 1);
  }

  release(key: string): void {
    const holders = (this.#holders.get(key) ?? 1) - 1;
    if (holders === 0) this.#holders.delete(key);
    else this.#holders.set(key, holders);
  }
}
