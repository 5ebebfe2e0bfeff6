import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { CheckSample } from "../crawlers/check.ts";
import { assertNoExpiryNotice, withLiveLink } from "../downloader/link.ts";
import { fetchFile } from "../downloader/transport.ts";
import { inspectFile } from "../parser/inspect.ts";
import type { Config } from "../shared/config.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import type { FileType } from "../shared/contracts/file-identity.ts";
import type { PortalFamily } from "../shared/contracts/portal-family.ts";
import { errorMessage } from "../shared/errors.ts";
import type { PortalSession } from "../shared/net/portal-access.ts";

/** One file of a portal, downloaded and parsed for a check; nothing of it is kept. */
export interface FileCheck {
  type: FileType;
  file: string;
  sizeBytes: number | null;
  container: string | null;
  encoding: string | null;
  dialect: string | null;
  rows: number | null;
  rejected: number | null;
  /** Tags that no dialect knows, with how often they came: how a change of layout inside the files is noticed. */
  unknownTags: Record<string, number>;
  /** What is wrong with it; null when it was downloaded and read. */
  problem: string | null;
}

export interface FileCheckDeps {
  chain: Chain;
  family: PortalFamily;
  session: PortalSession;
  config: Pick<Config, "maxFileBytes" | "maxExpandedBytes" | "minFreeBytes">;
  /** Where the file is put; the caller removes it. */
  directory: string;
  signal: AbortSignal;
}

/** Downloads one listed file as the downloader does, and reads it as the parser does. What fails is part of the answer. */
export async function checkFile(deps: FileCheckDeps, sample: CheckSample): Promise<FileCheck> {
  const { fileName, fileType } = sample.identity;
  const check: FileCheck = {
    type: fileType,
    file: fileName,
    sizeBytes: null,
    container: null,
    encoding: null,
    dialect: null,
    rows: null,
    rejected: null,
    unknownTags: {},
    problem: null,
  };
  const path = join(deps.directory, `${fileType}.tmp`);
  try {
    check.sizeBytes = await download(deps, sample, path);
  } catch (error) {
    return { ...check, problem: `download: ${errorMessage(error)}` };
  }
  try {
    return await read(deps, check, path);
  } catch (error) {
    return { ...check, problem: `parse: ${errorMessage(error)}` };
  }
}

async function download(deps: FileCheckDeps, { identity, url, sizeBytes }: CheckSample, path: string): Promise<number> {
  const { chain, family, session, config, signal } = deps;
  const context = { chain, http: session.http, ftp: session.ftp, signal, now: () => new Date() };
  const file = { ...identity, url, timestamp: identity.publishedAt };
  const options = {
    path,
    fileName: identity.fileName,
    maxBytes: config.maxFileBytes,
    minFreeBytes: config.minFreeBytes,
    listedBytes: sizeBytes,
    signal,
  };
  return withLiveLink(
    file,
    ({ fileName, fileType, url: listed }, fresh) => family.resolve(context, { fileName, fileType, url: listed, fresh }),
    async (target) => {
      const fetched = await fetchFile(session, target, options);
      await assertNoExpiryNotice(path, fetched.sizeBytes, identity.fileName);
      return fetched.sizeBytes;
    },
  );
}

async function read({ chain, config }: FileCheckDeps, check: FileCheck, path: string): Promise<FileCheck> {
  const found = await inspectFile(createReadStream(path), {
    fileName: check.file,
    chain: chain.key,
    samples: 0,
    maxExpandedBytes: config.maxExpandedBytes,
  });
  const { container, encoding, dialect, rowsRead: rows, rowsRejected: rejected, unknownTags, complete } = found;
  const mostRejected = rejected > rows ? `${rejected} rows rejected, ${rows} read` : null;
  // An empty promotion file or delta is published every day; prices of a whole store, or all stores, are never none.
  const empty = rows === 0 && (check.type === "price-full" || check.type === "stores") ? "not one row" : null;
  const brokenOff = complete ? null : (found.problems[0] ?? "it broke off");
  const problem = brokenOff ?? mostRejected ?? empty;
  return {
    ...check,
    container,
    encoding,
    dialect,
    rows,
    rejected,
    unknownTags: { ...unknownTags },
    problem: problem === null ? null : `parse: ${problem}`,
  };
}
