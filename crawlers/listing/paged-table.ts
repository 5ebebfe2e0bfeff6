import { largestNumberInLinks } from "./html.ts";
import type { ListingPage } from "./pages.ts";
import { readFileTable } from "./table.ts";

/** A table whose names lack their extension, with a pager of `li.pagination-item`: the page of two portals. */
export function readPagedTable(portal: string, html: string, url: string): ListingPage {
  const { $, files, rowCount } = readFileTable(html, url, { portal, rows: "table > tbody > tr", extension: ".xml.gz" });
  return { files, rowCount, lastPage: largestNumberInLinks($, "li.pagination-item a[href]", "p") };
}
