import type { ListedFile, ListingFilter, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { daysOf } from "../listing/days.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { layoutError } from "../listing/html.ts";
import { parseJsonList, withText } from "../listing/json-list.ts";

const FILES = /\bconst\s+files\s*=\s*(\[.*\])\s*;?\s*$/m;
const PATH = /\bconst\s+path\s*=\s*(['"])(.*?)\1/;

/**
 * One page per day with its files as a JSON array inside a script. A day without files has no such script, and so has a page of
 * another layout: the newest day, asked without a date, tells the two apart.
 */
export const publishprice: PortalFamily = {
  name: "publishprice",
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  let recognised = false;
  for (const day of daysOf(filter, context.now())) {
    context.signal.throwIfAborted();
    const url = new URL(context.chain.baseUrl);
    url.search = `?p=./${day.replaceAll("-", "")}`;
    const files = readDay(await context.http.text(url.href), context.chain.baseUrl, url.href);
    if (files === null) continue;
    recognised = true;
    yield files;
  }
  if (recognised) return;
  const { baseUrl } = context.chain;
  const newest = await context.http.text(baseUrl);
  const files = readDay(newest, baseUrl, baseUrl);
  if (files === null) throw layoutError("publishprice", "a script with const files = [...]", baseUrl, newest);
  yield files;
}

/** Null for a page without the script. */
function readDay(html: string, baseUrl: string, url: string): ListedFile[] | null {
  const json = FILES.exec(html)?.[1];
  if (json === undefined) return null;
  const folder = PATH.exec(html)?.[2];
  if (folder === undefined) throw layoutError("publishprice", "const path", url, html);
  const base = new URL(folder === "" ? "." : `${folder}/`, baseUrl);
  return withText("publishprice", "name", url, parseJsonList("publishprice", url, json)).map(
    ([fileName, { size }]) => ({
      fileName,
      url: new URL(encodeURIComponent(fileName), base).href,
      // The unit of the number is not documented: it tells of a change, not of bytes.
      sizeBytes: null,
      listedAt: typeof size === "number" || typeof size === "string" ? `size ${size}` : null,
    }),
  );
}
