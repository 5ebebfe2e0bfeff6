import { localName, REPEATED_IN_ROWS } from "./dialects/fields.ts";
import { detached } from "./normalise/text.ts";

/** The tag is known and of no use in a row. */
const IGNORED = -2;
/** No dialect knows the tag. */
const UNKNOWN = -1;
const MAX_EXTRA_TAGS = 50;
const MAX_COUNTED_TAGS = 200;
const MAX_TAG_NAME = 100;
const MAX_ORDER = 100;

/** Tags that no dialect knows and how often each came: a renamed field shows the same day. */
export class UnknownTags {
  readonly counts = new Map<string, number>();

  add(tag: string): void {
    const known = this.counts.get(tag);
    if (known === undefined && this.counts.size >= MAX_COUNTED_TAGS) return;
    this.counts.set(tag, (known ?? 0) + 1);
  }
}

/**
 * The texts of one row, by slot; used again for the next row. A tag is looked up as it is spelled in the file, so case and
 * namespace prefix are dealt with once per spelling.
 */
export class FieldSlots {
  readonly values: (string | undefined)[];
  /** Texts of unknown tags, by local name. */
  extra: Record<string, string> | undefined;
  readonly #fields: ReadonlyMap<string, number>;
  readonly #unknown: UnknownTags;
  readonly #spellings = new Map<string, number>();
  /** Tags in the order in which rows have them, with their slots: a comparison costs less than a look-up. */
  readonly #order: string[] = [];
  readonly #orderSlots: number[] = [];
  #next = 0;

  constructor(fields: ReadonlyMap<string, number>, unknown: UnknownTags) {
    this.#fields = fields;
    this.#unknown = unknown;
    this.values = Array.from<string | undefined>({ length: Math.max(...fields.values()) + 1 }).fill(undefined);
  }

  clear(): void {
    this.values.fill(undefined);
    this.extra = undefined;
    this.#next = 0;
  }

  /** Slot of a tag; negative when it has none. */
  slotOf(tag: string): number {
    const known = this.#spellings.get(tag);
    if (known !== undefined) return known;
    const name = localName(tag);
    const slot = this.#fields.get(name) ?? (REPEATED_IN_ROWS.has(name) ? IGNORED : UNKNOWN);
    if (this.#spellings.size < 1_000) this.#spellings.set(tag, slot);
    return slot;
  }

  has(tag: string): boolean {
    return this.slotOf(tag) >= 0;
  }

  /** The first text that is not empty wins. */
  set(slot: number, tag: string, text: string): void {
    if (slot >= 0) {
      if (text.length > 0 && this.values[slot] === undefined) this.values[slot] = text;
    } else if (slot === UNKNOWN) {
      this.#setUnknown(tag, text);
    }
  }

  put(tag: string, text: string): void {
    this.set(this.#expectedSlotOf(tag), tag, text);
  }

  /** As `slotOf`: the tag that comes next in most rows, or the one behind it where an element is left out, else looked up. */
  #expectedSlotOf(tag: string): number {
    let at = this.#next;
    if (this.#order[at] !== tag && this.#order[++at] !== tag) {
      const slot = this.slotOf(tag);
      if (this.#next === this.#order.length && at < MAX_ORDER) {
        this.#order.push(detached(tag));
        this.#orderSlots.push(slot);
        this.#next++;
      }
      return slot;
    }
    this.#next = at + 1;
    return this.#orderSlots[at] ?? UNKNOWN;
  }

  #setUnknown(tag: string, text: string): void {
    const name = shortName(tag);
    this.#unknown.add(name);
    const value = text.trim();
    if (value.length === 0) return;
    this.extra ??= {};
    if (!(name in this.extra) && Object.keys(this.extra).length < MAX_EXTRA_TAGS) this.extra[name] = value;
  }
}

/** Name of a tag that nobody knows, without prefix: as published, but never longer than a name is. */
export function shortName(tag: string): string {
  const start = tag.lastIndexOf(":") + 1;
  return tag.slice(start, start + MAX_TAG_NAME).toWellFormed();
}
