import { DateTime } from "luxon";
import type { FileType } from "../shared/contracts/file-identity.ts";
import {
  type FileDiscovered,
  fileDiscovered,
  type FileDownloaded,
  fileDownloaded,
  type FileIdentity,
  SCHEMA_VERSION,
} from "../shared/contracts/file-messages.ts";
import { ISRAEL_ZONE } from "../shared/israel-time.ts";

/** A ledger row as far as messages are made of it. */
export interface FileRow {
  file_id: string;
  chain: string;
  chain_id: string;
  sub_chain_code: string | null;
  store_code: string | null;
  portal: string;
  file_name: string;
  file_type: FileType;
  revision: number;
  version: string;
  published_at: Date;
  discovered_at: Date | null;
  source_url: string;
  listed_size: string | null;
  object_uri: string | null;
  sha256: string | null;
  size_bytes: string | null;
  etag: string | null;
  downloaded_at: Date | null;
}

export const FILE_ROW_COLUMNS = `file_id, chain, chain_id, sub_chain_code, store_code, portal, file_name, file_type, revision, version,
  published_at, discovered_at, source_url, listed_size, object_uri, sha256, size_bytes, etag, downloaded_at`;

function identityOfRow(row: FileRow): FileIdentity {
  return {
    schemaVersion: SCHEMA_VERSION,
    fileId: row.file_id,
    chain: row.chain,
    chainId: row.chain_id,
    subChainId: row.sub_chain_code,
    storeId: row.store_code,
    portal: row.portal,
    fileName: row.file_name,
    fileType: row.file_type,
    publishedAt: israelIso(row.published_at),
    version: row.version,
    revision: row.revision,
  };
}

/** `url` is the fresh link where a listing has just given one; else the ledger's, which has lost its signature. */
export function discoveredMessage(row: FileRow, url = row.source_url): FileDiscovered {
  return fileDiscovered.parse({
    ...identityOfRow(row),
    url,
    timestamp: israelIso(row.discovered_at ?? new Date()),
    ...(row.listed_size === null ? {} : { sizeBytes: Number(row.listed_size) }),
  });
}

/** The downloaded message as the downloader sent it, from what the ledger keeps. The content type is not kept: readers go by the bytes. */
export function downloadedMessage(row: FileRow): FileDownloaded {
  return fileDownloaded.parse({
    ...identityOfRow(row),
    s3_path: row.object_uri,
    sha256: row.sha256,
    sizeBytes: Number(row.size_bytes),
    contentType: "application/octet-stream",
    etag: row.etag ?? "",
    downloadedAt: israelIso(row.downloaded_at ?? new Date()),
    sourceUrl: row.source_url,
  });
}

function israelIso(moment: Date): string {
  return (
    DateTime.fromJSDate(moment, { zone: ISRAEL_ZONE }).toISO({ suppressMilliseconds: true }) ?? moment.toISOString()
  );
}
