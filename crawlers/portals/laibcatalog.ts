import { comparableCode } from "../../shared/contracts/file-identity.ts";
import type { ListedFile, ListingFilter, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { layoutError } from "../listing/html.ts";
import { parseJsonList, withText } from "../listing/json-list.ts";
import { readAhead } from "../listing/read-ahead.ts";
import { sizeText } from "../listing/sizes.ts";

const PORTAL = "laibcatalog";

/**
 * JSON: the branches of a chain id, then the files of each branch. The answers of different branches repeat the same files. Files of
 * every id of a chain are downloaded under its first id.
 */
export const laibcatalog: PortalFamily = {
  name: PORTAL,
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list(context: PortalContext, filter: ListingFilter): AsyncGenerator<ListedFile[]> {
  const seen = new Set<string>();
  for (const chainId of context.chain.chainIds) {
    const branches = await branchesOf(context, chainId, filter);
    let next = 0;
    const start = () => {
      const branch = branches[next++];
      return branch === undefined ? null : filesOf(context, chainId, branch);
    };
    for await (const page of readAhead(start, context.chain.maxParallel, context.signal)) {
      const fresh = page.filter((file) => !seen.has(file.fileName));
      for (const file of fresh) seen.add(file.fileName);
      yield fresh;
    }
  }
}

/** Branch numbers to ask for; one null where the portal names none. */
async function branchesOf(context: PortalContext, chainId: string, filter: ListingFilter): Promise<(string | null)[]> {
  const url = addressOf(context, "/webapi/api/getbranches", { edi: chainId });
  const body = await context.http.text(url);
  const entries = parseJsonList(PORTAL, url, body);
  const numbers = entries
    .map((entry) => entry["number"])
    .filter((number) => typeof number === "number" || typeof number === "string")
    .map(String);
  if (entries.length > 0 && numbers.length === 0) throw layoutError(PORTAL, 'the key "number"', url, body);
  const { stores } = filter;
  const asked = stores
    ? numbers.filter((number) => stores.some((store) => comparableCode(store) === comparableCode(number)))
    : numbers;
  return asked.length > 0 ? asked : [null];
}

async function filesOf(context: PortalContext, chainId: string, branch: string | null): Promise<ListedFile[]> {
  const ofBranch: Record<string, string> = branch === null ? {} : { branchNumber: branch };
  const url = addressOf(context, "/webapi/api/getfiles", { edi: chainId, ...ofBranch });
  const entries = parseJsonList(PORTAL, url, await context.http.text(url));
  return withText(PORTAL, "fileName", url, entries).map(([fileName, { fileSize }]) => ({
    fileName,
    url: addressOf(context, `/webapi/${context.chain.chainIds[0] ?? chainId}/${encodeURIComponent(fileName)}`),
    sizeBytes: null,
    listedAt: typeof fileSize === "string" ? sizeText(fileSize) : null,
  }));
}

function addressOf(context: PortalContext, path: string, query: Record<string, string> = {}): string {
  const url = new URL(path, context.chain.baseUrl);
  url.search = new URLSearchParams(query).toString();
  return url.href;
}
