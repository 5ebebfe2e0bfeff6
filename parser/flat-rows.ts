import type { FieldSlots } from "./field-slots.ts";
import { detached } from "./normalise/text.ts";

const TAB = 0x09;
const LF = 0x0a;
const SPACE = 0x20;
const AMP = 0x26;
const SLASH = 0x2f;
const LESS = 0x3c;
const GREATER = 0x3e;
const NAME = /^[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?$/;
/** What may follow a value is remembered up to this many ways: optional and empty elements make a few. */
const MAX_FOLLOWS = 8;
const MAX_FIELDS = 500;
const MAX_LITERAL = 2_000;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** An element of rows; the start of a row is one without a tag. */
interface Field {
  tag: string;
  close: string;
  slot: number;
  follows: Follow[];
}

/** Markup between one value and the next, exactly as it stood in an earlier row. */
interface Follow {
  literal: string;
  /** The field whose value comes next; null at the end of the row. */
  next: Field | null;
  /** Unknown tags that stand empty in between: they are counted. */
  emptyUnknown: readonly string[];
}

/**
 * Reads rows that are nothing but `<Tag>text</Tag>` straight from the text, several times as fast as saxes. Rows of one file repeat
 * their markup to the letter, so what follows a value is compared, as one piece, with what followed it in earlier rows. Whatever is
 * not fully understood (attributes, nesting, CDATA, comments, other entities than the five of XML, control characters, a wrong
 * closing tag) is left to saxes: a differential test holds both to the same rows and the same rejections.
 */
export class FlatRows {
  readonly #slots: FieldSlots;
  readonly #rowClose: string;
  readonly #start: Field;
  readonly #fields = new Map<string, Field>();
  /** Unknown tags of the row in hand, each with its text: counted only when the whole row was understood. */
  readonly #unknown: string[] = [];

  /** `rowTag` as published. */
  constructor(slots: FieldSlots, rowTag: string) {
    this.#slots = slots;
    this.#rowClose = `</${rowTag}>`;
    this.#start = { tag: "", close: "", slot: -1, follows: [] };
  }

  /** Reads the row whose content begins at `from` into the slots. Returns the index behind its closing tag, or -1. */
  scan(text: string, from: number): number {
    const { values } = this.#slots;
    if (this.#unknown.length > 0) this.#unknown.length = 0;
    let field = this.#start;
    let end = from;
    for (;;) {
      const follow = this.#followAt(text, end, field);
      if (follow === null) return -1;
      if (follow.emptyUnknown.length > 0) for (const tag of follow.emptyUnknown) this.#unknown.push(tag, "");
      const start = end + follow.literal.length;
      if (follow.next === null) {
        if (this.#unknown.length > 0) this.#putUnknown();
        return start;
      }
      field = follow.next;
      end = text.indexOf("<", start);
      if (end === -1) return -1;
      if (end === start && field.slot >= 0) continue;
      const value = valueOf(text, start, end);
      if (value === null) return -1;
      if (field.slot < 0) this.#unknown.push(field.tag, value);
      else if (values[field.slot] === undefined) values[field.slot] = value;
    }
  }

  #followAt(text: string, at: number, field: Field): Follow | null {
    const { follows } = field;
    for (let i = 0; i < follows.length; i++) {
      const follow = follows[i];
      if (follow !== undefined && text.startsWith(follow.literal, at)) return follow;
    }
    return this.#learn(text, at, field);
  }

  /** Reads the markup behind a value tag by tag; null when it is cut off or more than plain tags. */
  #learn(text: string, at: number, field: Field): Follow | null {
    if (!text.startsWith(field.close, at)) return null;
    const emptyUnknown: string[] = [];
    let pos = at + field.close.length;
    for (;;) {
      let code = text.charCodeAt(pos);
      while (code === SPACE || (code <= 0x0d && code >= TAB && code !== 0x0b && code !== 0x0c))
        code = text.charCodeAt(++pos);
      if (code !== LESS) return null;
      if (text.startsWith(this.#rowClose, pos)) {
        return remember(field, text.slice(at, pos + this.#rowClose.length), null, emptyUnknown);
      }
      const gt = text.indexOf(">", pos);
      if (gt === -1) return null;
      const isEmpty = text.charCodeAt(gt - 1) === SLASH;
      const next = this.#fieldOf(text.slice(pos + 1, isEmpty ? gt - 1 : gt).trimEnd());
      if (next === null) return null;
      pos = gt + 1;
      if (!isEmpty) return remember(field, text.slice(at, pos), next, emptyUnknown);
      if (next.slot < 0) emptyUnknown.push(next.tag);
      if (emptyUnknown.length > MAX_FIELDS) return null;
    }
  }

  #fieldOf(tag: string): Field | null {
    const known = this.#fields.get(tag);
    if (known !== undefined) return known;
    const close = `</${tag}>`;
    // A row inside a row means that a closing tag is missing.
    if (this.#fields.size >= MAX_FIELDS || !NAME.test(tag) || close === this.#rowClose) return null;
    const field = { tag, close, slot: this.#slots.slotOf(tag), follows: [] };
    this.#fields.set(tag, field);
    return field;
  }

  #putUnknown(): void {
    for (let i = 0; i < this.#unknown.length; i += 2)
      this.#slots.put(this.#unknown[i] ?? "", this.#unknown[i + 1] ?? "");
  }
}

function remember(field: Field, markup: string, next: Field | null, emptyUnknown: readonly string[]): Follow {
  const isKept = field.follows.length < MAX_FOLLOWS && markup.length <= MAX_LITERAL;
  const follow = { literal: isKept ? detached(markup) : markup, next, emptyUnknown };
  if (isKept) field.follows.push(follow);
  return follow;
}

/** The text between two indexes; null when it holds anything but characters and the five entities. */
function valueOf(text: string, start: number, end: number): string | null {
  let hasEntity = false;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code > GREATER) {
      if (code >= 0xd800 && (code <= 0xdfff || code >= 0xfffe)) return null;
    } else if (code === AMP) {
      hasEntity = true;
    } else if (code === GREATER || (code < SPACE && code !== LF && code !== TAB)) {
      return null;
    }
  }
  const value = text.slice(start, end);
  return hasEntity ? resolved(value) : value;
}

/** Text with the five entities of XML resolved; null when there is any other `&`. */
function resolved(text: string): string | null {
  let out = "";
  let last = 0;
  for (let at = text.indexOf("&"); at !== -1; at = text.indexOf("&", last)) {
    const semicolon = text.indexOf(";", at);
    const entity = semicolon === -1 ? undefined : ENTITIES.get(text.slice(at + 1, semicolon));
    if (entity === undefined) return null;
    out += text.slice(last, at) + entity;
    last = semicolon + 1;
  }
  return out + text.slice(last);
}
