import { InvalidMessageError } from "./validation.ts";
import { type FileDownloaded, fileDownloaded, type FileIdentity } from "./file-messages.ts";

/** What is known of stored bytes besides whose they are. */
export interface StoredFacts {
  sha256: string;
  sizeBytes: number;
  downloadedAt: string;
  /** Redacted already. */
  sourceUrl: string;
}

/** What a store says of an object itself. */
interface ObjectFacts {
  uri: string;
  etag: string;
  contentType: string;
}

/** S3 allows 2 KB of metadata in all. */
const MAX_SOURCE_URL = 500;

/**
 * Metadata of a stored file, the same in every store: all that replay and backfill need when the ledger is gone. A null field is
 * left out.
 */
export function objectMetadataOf(file: FileIdentity, facts: StoredFacts): Record<string, string> {
  return {
    "schema-version": String(file.schemaVersion),
    "file-id": file.fileId,
    chain: file.chain,
    "chain-id": file.chainId,
    ...(file.subChainId === null ? {} : { "sub-chain-id": file.subChainId }),
    ...(file.storeId === null ? {} : { "store-id": file.storeId }),
    portal: file.portal,
    "file-name": file.fileName,
    "file-type": file.fileType,
    "published-at": file.publishedAt,
    version: file.version,
    revision: String(file.revision),
    sha256: facts.sha256,
    "size-bytes": String(facts.sizeBytes),
    "downloaded-at": facts.downloadedAt,
    "source-url": facts.sourceUrl.slice(0, MAX_SOURCE_URL),
  };
}

/**
 * The message of a stored file, read back from its object.
 * @throws {InvalidMessageError} for an object that gogobe did not store, or whose metadata was lost
 */
export function fileFromObjectMetadata(metadata: Record<string, string>, object: ObjectFacts): FileDownloaded {
  try {
    return fileDownloaded.parse({
      schemaVersion: Number(metadata["schema-version"]),
      fileId: metadata["file-id"],
      chain: metadata["chain"],
      chainId: metadata["chain-id"],
      subChainId: metadata["sub-chain-id"] ?? null,
      storeId: metadata["store-id"] ?? null,
      portal: metadata["portal"],
      fileName: metadata["file-name"],
      fileType: metadata["file-type"],
      publishedAt: metadata["published-at"],
      version: metadata["version"],
      revision: Number(metadata["revision"]),
      s3_path: object.uri,
      sha256: metadata["sha256"],
      sizeBytes: Number(metadata["size-bytes"]),
      contentType: object.contentType,
      etag: object.etag,
      downloadedAt: metadata["downloaded-at"],
      sourceUrl: metadata["source-url"],
    });
  } catch (cause) {
    throw new InvalidMessageError(`${object.uri} carries no file metadata of gogobe`, {
      cause,
      hint: "gogobe ingest takes a file that was not downloaded by gogobe",
    });
  }
}
