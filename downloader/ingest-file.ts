import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { ownChainId } from "../shared/contracts/chain.ts";
import {
  fileIdOf,
  fileVersionOf,
  type FileNameParts,
  isSafeFileName,
  parseFileName,
} from "../shared/contracts/file-identity.ts";
import { type FileDownloaded, type FileIdentity, SCHEMA_VERSION } from "../shared/contracts/file-messages.ts";
import { errorMessage, PermanentError, UsageError } from "../shared/errors.ts";
import type { StageDeps } from "../shared/stage.ts";
import { knownRevisions } from "./revisions.ts";
import { announceStored, findStored, storeFile } from "./store-file.ts";

export type IngestDeps = Pick<StageDeps, "config" | "store" | "db" | "bus" | "chains">;

/** Portal of a file that a person brought. */
const LOCAL_PORTAL = "local";
const MAX_REVISION = 999;

/**
 * Puts one local file into the pipeline as if it had been downloaded. The same name with the same bytes is the same file, and one that is
 * loaded already is left alone; the same name with other bytes is its next revision.
 * @param options.chain registry key; without it the chain id in the file name decides, and an unknown id is its own chain
 * @throws {UsageError} a file that cannot be read, or a chain key that does not exist
 * @throws {InvalidFileNameError | PermanentError} a name that no chain is known to use, or a file that is too large
 */
export async function ingestLocalFile(
  deps: IngestDeps,
  path: string,
  options: { chain?: string } = {},
): Promise<FileDownloaded> {
  const fileName = basename(path);
  const parts = parseFileName(fileName);
  if (!isSafeFileName(fileName)) {
    throw new PermanentError(`file name ${JSON.stringify(fileName)} is refused: not safe as a path`);
  }
  const { sha256, sizeBytes } = await readFacts(path, deps.config.maxFileBytes);
  const owner = chainOf(deps, parts, options.chain);
  const { file, stored, loaded } = await findRevision(deps, fileName, parts, owner, sha256);
  if (stored !== null && loaded) return stored;

  const sourceUrl = `file:///${encodeURIComponent(fileName)}`;
  const local = { path, sha256, sizeBytes, contentType: "application/octet-stream", sourceUrl };
  const message = stored ?? (await storeFile(deps, file, local));
  await announceStored(deps, message);
  return message;
}

async function readFacts(path: string, maxBytes: number): Promise<{ sha256: string; sizeBytes: number }> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw new UsageError(`${path} is no file`);
    if (facts.size > maxBytes) {
      throw new PermanentError(`${path} is larger than ${maxBytes} bytes`, {
        hint: "GOGOBE_MAX_FILE_BYTES raises the limit",
      });
    }
    const hash = createHash("sha256");
    await pipeline(createReadStream(path), hash);
    return { sha256: hash.digest("hex"), sizeBytes: facts.size };
  } catch (cause) {
    if (cause instanceof UsageError || cause instanceof PermanentError) throw cause;
    throw new UsageError(`${path} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

interface Owner {
  chain: string;
  chainId: string;
}

function chainOf(deps: IngestDeps, parts: FileNameParts, key: string | undefined): Owner {
  const chain = key === undefined ? deps.chains.byChainId(parts.chainId) : deps.chains.byKey(key);
  if (chain) return { chain: chain.key, chainId: ownChainId(chain, parts.chainId) };
  if (key === undefined) return { chain: parts.chainId, chainId: parts.chainId };
  throw new UsageError(`chain "${key}" is not in the chain registry`, {
    hint: "gogobe chains list shows the known ones",
  });
}

/** The first revision of this name that has these bytes, or none yet. Ledger and store are asked: either may have been lost. */
async function findRevision(deps: IngestDeps, fileName: string, parts: FileNameParts, owner: Owner, sha256: string) {
  const known = await knownRevisions(deps.db, { chain: owner.chain, fileName });
  for (let revision = 0; revision <= MAX_REVISION; revision++) {
    const file = identityOf(fileName, parts, owner, revision);
    const row = known.find((entry) => entry.revision === revision);
    const stored = await findStored(deps, file);
    const content = row?.sha256 ?? stored?.sha256;
    if (content !== undefined && content !== sha256) continue;
    return { file, stored: stored?.sha256 === sha256 ? stored : null, loaded: row?.status === "loaded" };
  }
  throw new PermanentError(`${fileName} has ${MAX_REVISION + 1} revisions already`);
}

function identityOf(fileName: string, parts: FileNameParts, owner: Owner, revision: number): FileIdentity {
  const fileId = fileIdOf(owner.chain, fileName, revision);
  return {
    schemaVersion: SCHEMA_VERSION,
    fileId,
    ...owner,
    subChainId: parts.subChainId,
    storeId: parts.storeId,
    portal: LOCAL_PORTAL,
    fileName,
    fileType: parts.fileType,
    publishedAt: parts.publishedAt,
    version: fileVersionOf({ ...parts, revision, fileId }),
    revision,
  };
}
