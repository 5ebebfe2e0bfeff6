/** Comments, CDATA, instructions and document types are looked through this far for their end: text behind an unterminated one must not be lost. */
const MAX_SECTION = 64 * 1024;

const SECTIONS: readonly { begin: string; end: string; kind: Markup["kind"] }[] = [
  { begin: "<!--", end: "-->", kind: "skipped" },
  { begin: "<![CDATA[", end: "]]>", kind: "text" },
  { begin: "<?", end: "?>", kind: "skipped" },
  { begin: "<!", end: ">", kind: "skipped" },
];

/** The next piece of markup outside the rows. */
export interface Markup {
  /** `tag`: a tag. `text`: CDATA. `skipped`: of no use here. `raw`: a `<` that begins nothing. */
  kind: "tag" | "text" | "skipped" | "raw";
  /** Index of its `<`. */
  start: number;
  /** Index behind it. */
  end: number;
}

/** Finds the next markup at or behind `from`; null when the text ends too early to tell. */
export function nextMarkup(text: string, from: number, isFinal: boolean): Markup | null {
  const start = text.indexOf("<", from);
  if (start === -1 || (start + 1 >= text.length && !isFinal)) return null;
  const next = text.charAt(start + 1);
  if (next === "!" || next === "?") return sectionAt(text, start, isFinal);
  const another = text.indexOf("<", start + 1);
  const gt = another === -1 ? text.indexOf(">", start) : start + text.slice(start, another).indexOf(">");
  if (gt > start) return { kind: "tag", start, end: gt + 1 };
  return another !== -1 || isFinal ? { kind: "raw", start, end: start + 1 } : null;
}

function sectionAt(text: string, start: number, isFinal: boolean): Markup | null {
  const couldGrow = !isFinal && text.length - start <= MAX_SECTION;
  // `<!` and `<![CDAT` may still become a comment or CDATA.
  if (couldGrow && text.length - start < "<![CDATA[".length) return null;
  const section = SECTIONS.find(({ begin }) => text.startsWith(begin, start));
  if (section === undefined) return { kind: "raw", start, end: start + 1 };
  const end = sectionEnd(text, start, section.begin, section.end);
  if (end !== -1 && end - start <= MAX_SECTION) return { kind: section.kind, start, end };
  return couldGrow ? null : { kind: "raw", start, end: start + 1 };
}

/** Index behind a section; -1 when it is not terminated. A document type may hold declarations in brackets. */
function sectionEnd(text: string, start: number, begin: string, terminator: string): number {
  const from = start + begin.length;
  let at = text.indexOf(terminator, from);
  if (begin === "<!" && at !== -1) {
    const bracket = text.indexOf("[", from);
    if (bracket !== -1 && bracket < at) {
      const close = text.indexOf("]", bracket);
      at = close === -1 ? -1 : text.indexOf(">", close);
    }
  }
  return at === -1 ? -1 : at + terminator.length;
}
