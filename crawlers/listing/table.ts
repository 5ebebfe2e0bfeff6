import type { CheerioAPI } from "cheerio";
import { fileStem, parseFileName } from "../../shared/contracts/file-identity.ts";
import type { ListedFile } from "../../shared/contracts/portal-family.ts";
import { layoutError, nameInLink, parseHtml } from "./html.ts";
import { kilobytesText, sizeText } from "./sizes.ts";

export interface TableLayout {
  portal: string;
  /** Selector of the rows that list files. */
  rows: string;
  /** The first row is a header, whatever its cells are. */
  skipFirst?: boolean;
  /** Keeps only some rows, by their text and link. */
  keep?: (text: string, href: string) => boolean;
  /** Appended to a name in a cell that is printed without its extension. */
  extension?: string;
}

export interface TableFiles {
  $: CheerioAPI;
  files: ListedFile[];
  rowCount: number;
}

/**
 * Reads a table of files by what its cells hold, not by their position, since columns move: the name is the cell that reads as a
 * file name (else the end of the link), the link is the first anchor that leads anywhere, the size is the cell before the link, or any that is printed with its unit.
 * @throws {LayoutNotRecognisedError} when the page has no table, rows of which none can be read, or a login form in their place
 */
export function readFileTable(html: string, url: string, layout: TableLayout): TableFiles {
  const $ = parseHtml(html);
  if ($("table").length === 0) throw layoutError(layout.portal, "a table", url, html);
  // A row of one cell says that there are no rows.
  const rows = $(layout.rows)
    .toArray()
    .slice(layout.skipFirst ? 1 : 0)
    .filter((row) => $(row).children("td").length > 1);
  const files: ListedFile[] = [];
  let readable = 0;
  for (const row of rows) {
    const cells = $(row).children("td").toArray();
    const linkAt = cells.findIndex((cell) => hrefIn($, cell) !== undefined);
    const linkCell = cells[linkAt];
    const href = linkCell && hrefIn($, linkCell);
    if (!href || !URL.canParse(href, url)) continue;
    readable++;
    if (layout.keep && !layout.keep($(row).text(), href)) continue;
    const texts = cells.map((cell) => $(cell).text().trim());
    const fileName = texts.find(isFileName) ?? nameInLink(href);
    files.push({
      fileName: withExtension(fileName, layout.extension ?? ""),
      url: new URL(href, url).href,
      sizeBytes: null,
      listedAt: kilobytesText(texts[linkAt - 1] ?? "") ?? texts.map(sizeText).find((text) => text !== null) ?? null,
    });
  }
  // Login forms are laid out as tables too: without this one would pass for an empty listing.
  if (readable === 0 && $("input[type=password]").length > 0) {
    throw layoutError(layout.portal, "a list of files: it asks for a login", url, html);
  }
  if (rows.length > 0 && readable === 0) throw layoutError(layout.portal, `a[href] in ${layout.rows}`, url, html);
  return { $, files, rowCount: rows.length };
}

function hrefIn($: CheerioAPI, cell: Parameters<CheerioAPI>[0]): string | undefined {
  const href = $(cell).find("a[href]").first().attr("href")?.trim();
  return href === undefined || href === "" || href.startsWith("#") ? undefined : href.replaceAll("\\", "/");
}

function isFileName(text: string): boolean {
  try {
    parseFileName(text);
    return true;
  } catch {
    return false;
  }
}

function withExtension(fileName: string, extension: string): string {
  return fileStem(fileName) === fileName ? fileName + extension : fileName;
}
