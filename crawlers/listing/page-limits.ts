import { LayoutNotRecognisedError } from "../../shared/errors.ts";

/**
 * What no listing needs: the longest known ones have ten thousand rows of eight tags each, nested some thirty deep. The tree of a page
 * takes hundreds of bytes a tag, and the reader's time grows with the square of the depth, so a hostile page of a few hundred
 * kilobytes would hold up every other portal for half a minute.
 */
const MOST_TAGS = 120_000;
const DEEPEST = 500;

/** Never closed, or closed by the next of their kind: they add no depth of their own. */
const FLAT = new Set(
  "area base br col embed hr img input link meta param source track wbr p li dt dd td th tr tbody thead tfoot option".split(
    " ",
  ),
);

/**
 * Refuses a page that would cost too much to read, in one pass over its text.
 * @throws {LayoutNotRecognisedError} for a page with too many tags, or too deeply nested
 */
export function assertReadable(html: string): void {
  const tag = /<(\/?)([a-z][a-z0-9]{0,15})/gi;
  let tags = 0;
  let depth = 0;
  for (let match = tag.exec(html); match !== null; match = tag.exec(html)) {
    if (++tags > MOST_TAGS) throw unreadable(`has more than ${MOST_TAGS} tags`);
    if (FLAT.has((match[2] ?? "").toLowerCase())) continue;
    if (match[1] === "/") depth = Math.max(0, depth - 1);
    else if (++depth > DEEPEST) throw unreadable(`is nested more than ${DEEPEST} deep`);
  }
}

function unreadable(what: string): LayoutNotRecognisedError {
  return new LayoutNotRecognisedError(`the listing page ${what}, which no listing is`, {
    hint: "open the portal in a browser to see what it shows now",
  });
}
