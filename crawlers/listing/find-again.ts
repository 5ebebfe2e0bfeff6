import { comparableCode, fileStem, parseFileName, type FileType } from "../../shared/contracts/file-identity.ts";
import type { FetchTarget, ListedFile, ListingFilter, PortalContext } from "../../shared/contracts/portal-family.ts";
import { PermanentError } from "../../shared/errors.ts";
import { israelDay } from "../../shared/israel-time.ts";

/** Between the time in a name and the moment it is listed. */
const AROUND_MS = 2 * 3_600_000;

type List = (context: PortalContext, filter: ListingFilter) => AsyncIterable<ListedFile[]>;

/**
 * Looks a file up in the listing again, in its own day, type and store first, then without the store, since not every portal
 * knows its stores by the code in the name. A file made close to midnight may be listed under the day beside its own.
 * @throws {PermanentError} when the portal no longer lists it
 */
export async function findAgain(
  context: PortalContext,
  list: List,
  file: { fileName: string; fileType: FileType },
): Promise<ListedFile> {
  const { publishedAt, storeId } = parseFileName(file.fileName);
  const made = Date.parse(publishedAt);
  const stem = fileStem(file.fileName);
  const filter: ListingFilter = {
    types: [file.fileType],
    since: israelDay(new Date(made - AROUND_MS)),
    until: israelDay(new Date(made + AROUND_MS)),
  };
  const byStore =
    storeId === null || file.fileType === "stores" ? [] : [{ ...filter, stores: [comparableCode(storeId)] }];
  for (const narrowed of [...byStore, filter]) {
    for await (const page of list(context, narrowed)) {
      const found = page.find((listed) => fileStem(listed.fileName) === stem);
      if (found) return found;
    }
  }
  throw new PermanentError(`chain ${context.chain.key} no longer lists "${file.fileName}"`, {
    hint: "portals keep files for a few days only; a stored copy can be replayed",
  });
}

/** `resolve` of portals with lasting links: the listed one, or what the listing says now when that was refused. */
export async function resolvePlain(
  context: PortalContext,
  list: List,
  file: { fileName: string; fileType: FileType; url: string; fresh: boolean },
): Promise<FetchTarget> {
  return { url: file.fresh ? (await findAgain(context, list, file)).url : file.url };
}
