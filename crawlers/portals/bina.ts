import { comparableCode, type FileType, parseFileName } from "../../shared/contracts/file-identity.ts";
import type { ListedFile, ListingFilter, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { LayoutNotRecognisedError } from "../../shared/errors.ts";
import { daysBefore } from "../../shared/israel-time.ts";
import { dayMonthYear, daysOf } from "../listing/days.ts";
import { layoutError } from "../listing/html.ts";
import { parseJsonList, withText } from "../listing/json-list.ts";
import { readAhead } from "../listing/read-ahead.ts";

const PORTAL = "bina";

/** `WFileType`; 0 is all of them together. */
const TYPE: Record<FileType, number> = { stores: 1, price: 2, promo: 3, "price-full": 4, "promo-full": 5 };
const ALL_TYPES = 0;
/** Full files first: there is one per store and day, so they name every store before the many deltas must be split. */
const SPLIT_TYPES = [TYPE["price-full"], TYPE["promo-full"], TYPE.stores, TYPE.price, TYPE.promo];

/** An answer never holds more rows; one that holds as many has lost some. */
const CAP = 1000;

/** One question to the portal. `store` as published, null for all. */
interface Query {
  chainId: string;
  day: string;
  type: number;
  store: string | null;
}

/**
 * JSON, cut at 1000 rows without saying so: an answer that long is asked for again by type, then by store. The download takes two
 * steps: a name is exchanged for its address.
 */
export const bina: PortalFamily = {
  name: PORTAL,

  async *list(context, filter) {
    const types = filter.types
      ? SPLIT_TYPES.filter((type) => filter.types?.some((wanted) => TYPE[wanted] === type))
      : [ALL_TYPES];
    for (const chainId of context.chain.chainIds) {
      const stores = new Map<string, string>();
      for (const day of daysOf(filter, context.now())) {
        for (const type of types) yield* listAll(context, { chainId, day, type, store: null }, stores, filter);
      }
    }
  },

  async resolve(context, file) {
    const url = downloadUrl(context, file.fileName);
    const body = await context.http.text(url);
    const [first] = withText(PORTAL, "SPath", url, parseJsonList(PORTAL, url, body));
    if (!first || !URL.canParse(first[0], url)) throw layoutError(PORTAL, 'an address under "SPath"', url, body);
    return { url: new URL(first[0], url).href };
  },
};

/** Everything that answers a question, split as far as it takes. `stores` collects the codes seen so far. */
async function* listAll(
  context: PortalContext,
  query: Query,
  stores: Map<string, string>,
  filter: ListingFilter,
): AsyncGenerator<ListedFile[]> {
  const files = await ask(context, query);
  for (const file of files) noteStore(stores, file.fileName);
  yield files;
  if (files.length < CAP) return;
  if (query.type === ALL_TYPES) {
    for (const type of SPLIT_TYPES) yield* listAll(context, { ...query, type }, stores, filter);
  } else if (query.store === null) {
    if (query.type === TYPE.price || query.type === TYPE.promo) await noteStoresOfFullFiles(context, query, stores);
    yield* listByStore(context, query, stores, filter);
  }
}

/** There is one full file per store and day: those of this day and the day before name the stores that a cut list hides. */
async function noteStoresOfFullFiles(context: PortalContext, query: Query, stores: Map<string, string>): Promise<void> {
  for (const day of [query.day, daysBefore(query.day, 1)]) {
    for (const type of [TYPE["price-full"], TYPE["promo-full"]]) {
      for (const file of await ask(context, { ...query, day, type })) noteStore(stores, file.fileName);
    }
  }
}

async function* listByStore(
  context: PortalContext,
  query: Query,
  stores: Map<string, string>,
  filter: ListingFilter,
): AsyncGenerator<ListedFile[]> {
  const wanted = filter.stores?.map(comparableCode);
  const codes = [...stores].filter(([key]) => wanted === undefined || wanted.includes(key)).map(([, code]) => code);
  let next = 0;
  const start = () => {
    const store = codes[next++];
    return store === undefined ? null : askStore(context, { ...query, store }, store);
  };
  yield* readAhead(start, context.chain.maxParallel, context.signal);
}

/** By the code as names carry it (`004`), or bare (`4`) when the portal knows nothing of that. */
async function askStore(context: PortalContext, query: Query, store: string): Promise<ListedFile[]> {
  const bare = comparableCode(store);
  let files = await ask(context, query);
  if (files.length === 0 && bare !== store) files = await ask(context, { ...query, store: bare });
  if (files.length >= CAP) {
    throw new LayoutNotRecognisedError(
      `bina: ${context.chain.key} lists ${files.length} files of store ${store} and one type on ${query.day}: some are cut off`,
    );
  }
  return files;
}

async function ask(context: PortalContext, query: Query): Promise<ListedFile[]> {
  context.signal.throwIfAborted();
  const url = new URL("MainIO_Hok.aspx", context.chain.baseUrl);
  url.search = new URLSearchParams({
    _: query.chainId,
    // "All" in Hebrew: the sub-chain.
    wReshet: "הכל",
    WFileType: String(query.type),
    WDate: dayMonthYear(query.day),
    WStore: query.store ?? "",
  }).toString();
  const entries = parseJsonList(PORTAL, url.href, await context.http.text(url.href));
  return withText(PORTAL, "FileNm", url.href, entries).map(([fileName]) => ({
    fileName,
    url: downloadUrl(context, fileName),
    sizeBytes: null,
    listedAt: null,
  }));
}

function downloadUrl(context: PortalContext, fileName: string): string {
  const url = new URL("Download.aspx", context.chain.baseUrl);
  url.searchParams.set("FileNm", fileName);
  return url.href;
}

function noteStore(stores: Map<string, string>, fileName: string): void {
  try {
    const { storeId, fileType } = parseFileName(fileName);
    if (storeId !== null && fileType !== "stores") stores.set(comparableCode(storeId), storeId);
  } catch {
    // A name that does not parse is counted where names are read, not here.
  }
}
