import type { ListedFile, ListingFilter, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { daysOf } from "../listing/days.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { layoutError, nameInLink, parseHtml } from "../listing/html.ts";
import { parseJsonList, withText } from "../listing/json-list.ts";
import { readFileTable } from "../listing/table.ts";

const PORTAL = "publishprice";

/** Since 2026-01: the files of a day as JSON, and the folder they lie in. */
const FILES = /\bconst\s+files\s*=\s*(\[.*\])\s*;?\s*$/m;
const PATH = /\bconst\s+path\s*=\s*(['"])(.*?)\1/;
/** From 2024-08: the files of a day as texts of anchors. */
const ANCHORS = /\bconst\s+files_html\s*=\s*\[(.*?)\]\s*;?\s*$/ms;
/** In 2022: an index of folders named by day, each a table of files. */
const DAY_FOLDER = /^(?:\.?\/)?(\d{8})\/?$/;
const FILE_LINK = /\.(?:gz|xml|zip)$/i;

/** What a page of any generation tells. `folders`: it is an index, and the files are one page further. */
type Page = { files: ListedFile[] } | { folders: Map<string, string> };

/**
 * One page per day. The site has had three forms, and chains that moved there late may still show an older one: all are read. A day
 * without files has none of them, and so has a page of another layout: the newest day, asked without a date, tells the two apart.
 */
export const publishprice: PortalFamily = {
  name: PORTAL,
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  let recognised = false;
  for (const day of daysOf(filter, context.now())) {
    context.signal.throwIfAborted();
    const folder = day.replaceAll("-", "");
    const url = new URL(context.chain.baseUrl);
    url.search = `?p=./${folder}`;
    const page = readPage(await context.http.text(url.href), context.chain.baseUrl, url.href);
    if (page === null) continue;
    recognised = true;
    if ("files" in page) yield page.files;
    else yield await readFolder(context, page.folders.get(folder));
  }
  if (recognised) return;
  const { baseUrl } = context.chain;
  const newest = await context.http.text(baseUrl);
  const page = readPage(newest, baseUrl, baseUrl);
  if (page === null)
    throw layoutError(PORTAL, "a script with const files = [...] or a table of day folders", baseUrl, newest);
  if ("files" in page) yield page.files;
}

/** Null for a page that has none of the three forms. */
function readPage(html: string, baseUrl: string, url: string): Page | null {
  const json = FILES.exec(html)?.[1];
  if (json !== undefined) return { files: readJson(html, json, baseUrl, url) };
  const anchors = ANCHORS.exec(html)?.[1];
  if (anchors !== undefined) return { files: readAnchors(html, anchors, baseUrl, url) };
  const folders = readIndex(html, url);
  return folders.size > 0 ? { folders } : null;
}

function readJson(html: string, json: string, baseUrl: string, url: string): ListedFile[] {
  const folder = PATH.exec(html)?.[2];
  if (folder === undefined) throw layoutError(PORTAL, "const path", url, html);
  const base = new URL(folder === "" ? "." : `${folder}/`, baseUrl);
  return withText(PORTAL, "name", url, parseJsonList(PORTAL, url, json)).map(([fileName, { size }]) => ({
    fileName,
    url: new URL(encodeURIComponent(fileName), base).href,
    // The unit of the number is not documented: it tells of a change, not of bytes.
    sizeBytes: null,
    listedAt: typeof size === "number" || typeof size === "string" ? `size ${size}` : null,
  }));
}

/** The texts are read as one piece of HTML, so that it does not matter how they are quoted inside. */
function readAnchors(html: string, texts: string, baseUrl: string, url: string): ListedFile[] {
  const $ = parseHtml(texts.replaceAll("\\", ""));
  const files = $("a[href]")
    .toArray()
    .map((anchor) => $(anchor).attr("href")?.trim() ?? "")
    .filter((href) => FILE_LINK.test(href) && URL.canParse(href, baseUrl))
    .map((href) => plainFile(nameInLink(href), new URL(href, baseUrl).href));
  if (texts.trim() !== "" && files.length === 0) throw layoutError(PORTAL, "a[href] in const files_html", url, html);
  return files;
}

/** Folder `yyyymmdd` to its address. */
function readIndex(html: string, url: string): Map<string, string> {
  const $ = parseHtml(html);
  const links = $("table a[href]").toArray();
  return new Map(
    links.flatMap((link): [string, string][] => {
      const href = $(link).attr("href") ?? "";
      const folder = DAY_FOLDER.exec(href)?.[1];
      return folder === undefined ? [] : [[folder, new URL(`${folder}/`, url).href]];
    }),
  );
}

/** A day that has no folder has no files. */
async function readFolder(context: PortalContext, url: string | undefined): Promise<ListedFile[]> {
  if (url === undefined) return [];
  const layout = { portal: PORTAL, rows: "table tr", keep: (_: string, href: string) => FILE_LINK.test(href) };
  return readFileTable(await context.http.text(url), url, layout).files;
}

function plainFile(fileName: string, url: string): ListedFile {
  return { fileName, url, sizeBytes: null, listedAt: null };
}
