import type { ListedFile, ListingFilter, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { daysBefore, israelDay } from "../../shared/israel-time.ts";
import { PortalStatusError } from "../../shared/net/net-errors.ts";
import { daysOf } from "../listing/days.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { layoutError, nameInLink, parseHtml } from "../listing/html.ts";

/** Days that the portal keeps, where the registry does not say (`settings.historyDays`). */
const HISTORY_DAYS = 10;

const DAY_PAGE = /\d{4}-\d{2}-\d{2}\.html$/;

/** One HTML page per day with a list of links. A day that has no page yet is an empty day; no page and no index is an outage. */
export const wolt: PortalFamily = {
  name: "wolt",
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  const { historyDays } = context.chain.settings;
  const kept = typeof historyDays === "number" ? historyDays : HISTORY_DAYS;
  const oldest = daysBefore(israelDay(context.now()), kept - 1);
  let pages = 0;
  let missing: unknown;
  for (const day of daysOf(filter, context.now()).filter((candidate) => candidate >= oldest)) {
    context.signal.throwIfAborted();
    const url = new URL(`${day}.html`, context.chain.baseUrl).href;
    try {
      const html = await context.http.text(url);
      pages++;
      yield readDay(html, url);
    } catch (error) {
      if (!(error instanceof PortalStatusError && error.status === 404)) throw error;
      missing = error;
    }
  }
  if (pages === 0 && missing !== undefined) await assertIndex(context, missing);
}

/**
 * The index still links pages of other days: then the days asked for are empty, and nothing has moved.
 * @throws `missing` when there is no index either
 */
async function assertIndex({ chain, http }: PortalContext, missing: unknown): Promise<void> {
  const url = new URL("index.html", chain.baseUrl).href;
  let html: string;
  try {
    html = await http.text(url);
  } catch (error) {
    throw error instanceof PortalStatusError && error.status === 404 ? missing : error;
  }
  const $ = parseHtml(html);
  const links = $("a[href]").toArray();
  if (links.some((link) => DAY_PAGE.test($(link).attr("href") ?? ""))) return;
  throw layoutError("wolt", "a link to the page of a day (yyyy-mm-dd.html)", url, html);
}

function readDay(html: string, url: string): ListedFile[] {
  const $ = parseHtml(html);
  const items = $("li");
  if (items.length === 0 && $("ul, ol").length === 0) throw layoutError("wolt", "a list (ul)", url, html);
  const files: ListedFile[] = [];
  for (const item of items) {
    const anchor = $(item).find("a[href]").first();
    const href = anchor.attr("href");
    if (!href || !URL.canParse(href, url)) continue;
    const fileName = anchor.text().trim() || nameInLink(href);
    files.push({ fileName, url: new URL(href, url).href, sizeBytes: null, listedAt: null });
  }
  if (items.length > 0 && files.length === 0) throw layoutError("wolt", "li a[href]", url, html);
  return files;
}
