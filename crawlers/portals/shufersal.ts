import { comparableCode, type FileType } from "../../shared/contracts/file-identity.ts";
import type {
  FetchTarget,
  ListedFile,
  ListingFilter,
  PortalContext,
  PortalFamily,
} from "../../shared/contracts/portal-family.ts";
import { findAgain } from "../listing/find-again.ts";
import { largestNumberInLinks, layoutError, nameInLink, parseHtml } from "../listing/html.ts";
import { type ListingPage, readPages } from "../listing/pages.ts";
import { sizeText } from "../listing/sizes.ts";

/** `catID` of the listing; 0 is all of them together. */
const CATEGORY: Record<FileType, number> = { price: 1, "price-full": 2, promo: 3, "promo-full": 4, stores: 5 };
const ALL_CATEGORIES = 0;
const PAGE_SIZE = 20;

/** For so few stores it is cheaper to ask the portal for each than to read its hundred pages. */
const FEW_STORES = 5;

/** A link that ends sooner than this is fetched afresh rather than raced against. */
const LEAST_LIFE_MS = 60_000;

/** One part of the listing: a category, of one store or of all. */
interface Section {
  category: number;
  store: string | null;
}

/**
 * HTML tables of 20 rows, a hundred pages and more. The links are signed and live 30 minutes, so a link that is old or that comes
 * from the ledger (kept there without its signature) is looked up again, in the pages of its own type and store only.
 */
export const shufersal: PortalFamily = {
  name: "shufersal",

  list,

  async resolve(context, file) {
    const usable = !file.fresh && livesLongEnough(file.url, context.now());
    return targetOf(usable ? file.url : (await findAgain(context, list, file)).url);
  },
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  for (const section of sectionsOf(filter)) {
    yield* readPages({
      fetchPage: (number) => fetchPage(context, section, number),
      pageSize: PAGE_SIZE,
      concurrency: context.chain.maxParallel,
      signal: context.signal,
    });
  }
}

function sectionsOf(filter: ListingFilter): Section[] {
  const { types, stores } = filter;
  const categories = types ? types.map((type) => CATEGORY[type]) : [ALL_CATEGORIES];
  if (!stores || stores.length > FEW_STORES) return categories.map((category) => ({ category, store: null }));
  // Stores files belong to the whole chain: never asked for by store.
  const ofStores = categories.filter((category) => category !== CATEGORY.stores);
  const sections: Section[] = ofStores.flatMap((category) => stores.map((store) => ({ category, store })));
  if (!types || types.includes("stores")) sections.push({ category: CATEGORY.stores, store: null });
  return sections;
}

async function fetchPage(context: PortalContext, section: Section, number: number): Promise<ListingPage> {
  const url = new URL("/FileObject/UpdateCategory", context.chain.baseUrl);
  url.searchParams.set("catID", String(section.category));
  if (section.store !== null) url.searchParams.set("storeId", comparableCode(section.store));
  if (number > 1) url.searchParams.set("page", String(number));
  return readGrid(await context.http.text(url.href), url.href);
}

/** Reads one page. The name and the link are in the first cell's anchor, the size is the one cell that looks like one. */
export function readGrid(html: string, url: string): ListingPage {
  const $ = parseHtml(html);
  const grid = $("#gridContainer > table");
  if (grid.length === 0) throw layoutError("shufersal", "#gridContainer > table", url, html);
  const files: ListedFile[] = [];
  const rows = grid.find("> tbody > tr");
  for (const row of rows) {
    const cells = $(row).children("td");
    // cheerio has decoded the entities of the attribute once; the percent-encoding of the signature must stay as it is.
    const href = cells.eq(0).find("a[href]").attr("href");
    if (!href || !URL.canParse(href, url)) continue;
    const size = cells
      .toArray()
      .slice(1)
      .map((cell) => sizeText($(cell).text()))
      .find((text) => text !== null);
    files.push({ fileName: nameInLink(href), url: new URL(href, url).href, sizeBytes: null, listedAt: size ?? null });
  }
  // A grid that says "no rows" has one cell over all columns; rows of cells without any link are a changed layout.
  const hasRows = rows.toArray().some((row) => $(row).children("td").length > 1);
  if (hasRows && files.length === 0) throw layoutError("shufersal", "a[href] in the first cell of a row", url, html);
  return {
    files,
    rowCount: rows.length,
    lastPage: largestNumberInLinks($, "#gridContainer > table > tfoot a[href]", "page"),
  };
}

/** Whether a link still carries its signature and will for a while. */
function livesLongEnough(url: string, now: Date): boolean {
  if (!URL.canParse(url) || !new URL(url).searchParams.has("sig")) return false;
  const { expiresAt } = targetOf(url);
  return expiresAt !== undefined && expiresAt.getTime() - now.getTime() > LEAST_LIFE_MS;
}

function targetOf(url: string): FetchTarget {
  const expiry = new URL(url).searchParams.get("se");
  return expiry === null ? { url } : { url, expiresAt: new Date(expiry) };
}
