import { type FileDownloaded, type FileIdentity, SCHEMA_VERSION } from "../shared/contracts/file-messages.ts";
import { messageKeyOf, objectKeyOf } from "../shared/contracts/file-identity.ts";
import { fileFromObjectMetadata, objectMetadataOf } from "../shared/contracts/object-metadata.ts";
import { TOPICS } from "../shared/contracts/topics.ts";
import { recordDownloaded } from "../shared/database/ledger.ts";
import { failpoint } from "../shared/failpoints.ts";
import type { StageDeps } from "../shared/stage.ts";

/** Bytes on this machine that become a stored object. */
export interface LocalFile {
  path: string;
  sha256: string;
  sizeBytes: number;
  contentType: string;
  /** Redacted already. */
  sourceUrl: string;
}

/** Stores the bytes with all that is known of the file on the object itself. Durable when it resolves; the message is not published yet. */
export async function storeFile(
  deps: Pick<StageDeps, "store">,
  file: FileIdentity,
  local: LocalFile,
): Promise<FileDownloaded> {
  const identity = { ...file, schemaVersion: SCHEMA_VERSION };
  const { sha256, sizeBytes, sourceUrl, contentType } = local;
  const metadata = objectMetadataOf(identity, {
    sha256,
    sizeBytes,
    sourceUrl,
    downloadedAt: new Date().toISOString(),
  });
  const stored = await deps.store.putFile(objectKeyOf(file), local.path, { contentType, sha256, metadata });
  failpoint("downloader:object-stored");
  return fileFromObjectMetadata(metadata, stored);
}

/** The stored object of this file, read back as its message; null when there is none, or it is not this file's. */
export async function findStored(deps: Pick<StageDeps, "store">, file: FileIdentity): Promise<FileDownloaded | null> {
  const object = await deps.store.head(objectKeyOf(file));
  if (object === null || object.metadata["file-id"] !== file.fileId) return null;
  return fileFromObjectMetadata(object.metadata, object);
}

/** Writes the ledger, then publishes: a crash in between is mended when the message comes again. */
export async function announceStored(deps: Pick<StageDeps, "db" | "bus">, message: FileDownloaded): Promise<void> {
  await recordDownloaded(deps.db, message, {
    objectUri: message.s3_path,
    sha256: message.sha256,
    sizeBytes: message.sizeBytes,
    etag: message.etag,
    downloadedAt: message.downloadedAt,
    sourceUrl: message.sourceUrl,
  });
  await deps.bus.publish(TOPICS.downloaded, [{ key: messageKeyOf(message), value: message }]);
}
