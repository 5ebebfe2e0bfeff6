import { type CheerioAPI, load } from "cheerio";
import { LayoutNotRecognisedError } from "../../shared/errors.ts";
import { assertReadable } from "./page-limits.ts";

/** @throws {LayoutNotRecognisedError} for a page that no listing is: it would take the memory or the time of all others */
export function parseHtml(html: string): CheerioAPI {
  assertReadable(html);
  return load(html);
}

/** What is missing from a page that a family knows. `part` is the selector or key, `url` the page (never with a signature). */
export function layoutError(portal: string, part: string, url: string, body: string): LayoutNotRecognisedError {
  return new LayoutNotRecognisedError(
    `${portal}: ${url} answered without ${part}; the page starts with "${excerpt(body)}"`,
    { hint: `if the portal has a new layout, adapt crawlers/portals/${portal}.ts` },
  );
}

/** The first words of a page, for a person who must see what came instead. */
function excerpt(body: string): string {
  const text = body.slice(0, 2000).replace(/\s+/g, " ").trim();
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Largest `<name>=<number>` in the links of a selection; null where no link has it. */
export function largestNumberInLinks($: CheerioAPI, links: string, name: string): number | null {
  const pattern = new RegExp(`[?&]${name}=(\\d{1,6})(?:&|$|#)`);
  let largest: number | null = null;
  for (const anchor of $(links)) {
    const found = pattern.exec($(anchor).attr("href") ?? "")?.[1];
    if (found !== undefined) largest = Math.max(largest ?? 0, Number(found));
  }
  return largest;
}

/** The last path segment of a link, without query. */
export function nameInLink(href: string): string {
  const path = href.replace(/[?#].*$/s, "");
  const segment = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
