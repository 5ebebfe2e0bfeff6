import { rm } from "node:fs/promises";
import { isSafeFileName } from "../shared/contracts/file-identity.ts";
import { type FileDiscovered, fileDiscovered } from "../shared/contracts/file-messages.ts";
import { PermanentError } from "../shared/errors.ts";
import { failpoint } from "../shared/failpoints.ts";
import { redactUrl } from "../shared/observability/log.ts";
import type { PortalSession } from "../shared/net/portal-access.ts";
import type { StageDeps } from "../shared/stage.ts";
import type { FileCache } from "./cache.ts";
import { assertNoExpiryNotice, type ResolveLink, withLiveLink } from "./link.ts";
import { dropCandidate, knownRevisions, type KnownRevision } from "./revisions.ts";
import { announceStored, findStored, storeFile } from "./store-file.ts";
import { fetchFile, type FetchedFile } from "./transport.ts";

export interface DownloadDeps extends StageDeps {
  cache: FileCache;
  resolveLink: ResolveLink;
  sessionOf(chainKey: string): PortalSession | null;
}

/** `stored`: fetched and published. `reused`: stored before. `unchanged`: a candidate revision with the bytes of the one before. */
export type DownloadOutcome = "stored" | "reused" | "unchanged";

/**
 * Everything that happens for one `gogobe.files.discovered` message: fetch, store, ledger, publish. Safe to repeat from any point.
 * @throws {PermanentError} what no retry can mend: unknown chain, refused host, unsafe name, too large
 * @throws {RetryableError} what may pass: portal away, link over, disk full
 */
export async function downloadFile(deps: DownloadDeps, value: unknown, signal: AbortSignal): Promise<DownloadOutcome> {
  const file = fileDiscovered.parse(value);
  if (!isSafeFileName(file.fileName)) {
    throw new PermanentError(
      `file name ${JSON.stringify(file.fileName)} of chain ${file.chain} is refused: not safe as a path`,
    );
  }
  const session = deps.sessionOf(file.chain);
  if (session === null) {
    throw new PermanentError(`${file.fileName}: chain "${file.chain}" is not in the chain registry`, {
      hint: "gogobe chains list shows the known ones",
    });
  }
  const revisions = await knownRevisions(deps.db, file);
  if (await reuseStored(deps, file, revisions)) return "reused";

  const path = deps.cache.temporaryPath();
  try {
    const { fetched, sourceUrl } = await fetchInto(deps, session, file, path, signal);
    deps.metrics.bytesTotal.inc({ stage: "download" }, fetched.sizeBytes);
    const previous = revisions.findLast(({ revision }) => revision < file.revision);
    if (previous && previous.sha256 === fetched.sha256) {
      await dropCandidate(deps.db, file, previous.fileId);
      return "unchanged";
    }
    const message = await storeFile(deps, file, { path, sourceUrl, ...fetched });
    const localPath = await deps.cache.keep(path, file.fileId, fetched.sizeBytes);
    await announceStored(deps, localPath === null ? message : { ...message, local_path: localPath });
    failpoint("downloader:published");
    return "stored";
  } finally {
    await rm(path, { force: true });
  }
}

/** Publishes again what is stored already. Only a file that is loaded needs no second message. */
async function reuseStored(deps: DownloadDeps, file: FileDiscovered, revisions: KnownRevision[]): Promise<boolean> {
  const stored = await findStored(deps, file);
  if (stored === null) return false;
  const known = revisions.find(({ fileId }) => fileId === file.fileId);
  // The ledger knows other bytes than the store holds: fetched anew.
  if (known && known.sha256 !== null && known.sha256 !== stored.sha256) return false;
  if (known?.status !== "loaded") {
    await announceStored(deps, stored);
    failpoint("downloader:published");
  }
  return true;
}

async function fetchInto(
  deps: DownloadDeps,
  session: PortalSession,
  file: FileDiscovered,
  path: string,
  signal: AbortSignal,
): Promise<{ fetched: FetchedFile; sourceUrl: string }> {
  const options = {
    path,
    fileName: file.fileName,
    maxBytes: deps.config.maxFileBytes,
    minFreeBytes: deps.config.minFreeBytes,
    listedBytes: file.sizeBytes ?? null,
    signal,
  };
  return withLiveLink(file, deps.resolveLink, async (target) => {
    const fetched = await fetchFile(session, target, options);
    await assertNoExpiryNotice(path, fetched.sizeBytes, file.fileName);
    return { fetched, sourceUrl: redactUrl(target.url) };
  });
}
