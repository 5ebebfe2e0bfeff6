/** Enough for most stores without growing. */
const FIRST_CAPACITY = 1 << 15;
/** No store has so many items: above it duplicates are no longer looked for, so that memory stays flat. */
const MAX_CODES = 1 << 18;

/**
 * Counts item codes that stand more than once in a file (allowed: the last update wins). Codes are kept as numbers in one flat
 * table, 8 bytes each: 13 digits fit, anything else goes in by a hash of 53 bits.
 */
export class SeenCodes {
  repeated = 0;
  #table = new Float64Array(FIRST_CAPACITY);
  #count = 0;

  add(code: string): void {
    if (this.#count === MAX_CODES) return;
    if (this.#insert(numberOf(code))) this.#count++;
    else this.repeated++;
    if (this.#count * 2 > this.#table.length) this.#grow();
  }

  /** False when the number is there already. Zero marks a free place. */
  #insert(value: number): boolean {
    const table = this.#table;
    const mask = table.length - 1;
    // Codes differ in their middle digits: multiply, so that neighbours do not end up side by side.
    let at = (Math.imul(value ^ (value / 2 ** 32), 0x9e3779b1) >>> 12) & mask;
    for (;;) {
      const found = table[at];
      if (found === 0) {
        table[at] = value;
        return true;
      }
      if (found === value) return false;
      at = (at + 1) & mask;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Float64Array(old.length * 2);
    for (const value of old) if (value !== 0) this.#insert(value);
  }
}

/** Digits with their length, so that leading zeros count; never zero. */
function numberOf(code: string): number {
  const { length } = code;
  if (length > 14) return hashOf(code);
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = code.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return hashOf(code);
    value = value * 10 + digit;
  }
  return value * 16 + length;
}

/** Two 32-bit multiplicative hashes joined to 53 bits, above every number of digits. */
function hashOf(code: string): number {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < code.length; i++) {
    low = Math.imul(low ^ code.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ code.charCodeAt(i), 0x85ebca6b);
  }
  return 2 ** 51 + (((high >>> 0) & 0x7ffff) * 2 ** 32 + (low >>> 0));
}
