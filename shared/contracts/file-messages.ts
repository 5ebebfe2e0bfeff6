import { type Static, Type } from "typebox";
import { FILE_TYPES } from "./file-identity.ts";
import { validatorOf } from "./validation.ts";

/** Raised when a message changes shape; a consumer reads this version and the one before. */
export const SCHEMA_VERSION = 1;

const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

/** Who a file is. Travels on every message, so that lineage never needs a look-up. */
export const FileIdentitySchema = Type.Object({
  schemaVersion: Type.Integer({ minimum: 0, maximum: SCHEMA_VERSION }),
  fileId: Type.String({ format: "uuid" }),
  chain: Type.String({
    minLength: 1,
    maxLength: 100,
    description: "registry key, or the chain id of an unknown chain",
  }),
  chainId: Type.String({ pattern: "^[0-9]+$" }),
  subChainId: nullable("as published"),
  storeId: nullable("as published, leading zeros included; null for a chain-wide file"),
  portal: Type.String({ minLength: 1, description: "portal family, or `local` for an ingested file" }),
  fileName: Type.String({ minLength: 1, maxLength: 200 }),
  fileType: Type.Enum([...FILE_TYPES]),
  publishedAt: Type.String({ format: "date-time" }),
  version: Type.String({ minLength: 1 }),
  revision: Type.Integer({ minimum: 0, maximum: 999 }),
});
export type FileIdentity = Static<typeof FileIdentitySchema>;

/** `gogobe.files.discovered`: a portal lists this file. `url` may carry a link signature: never log it. */
export const FileDiscoveredSchema = Type.Intersect([
  FileIdentitySchema,
  Type.Object({
    url: Type.String({ minLength: 1 }),
    timestamp: Type.String({ format: "date-time" }),
    sizeBytes: Type.Optional(
      Type.Integer({ minimum: 0, description: "as listed; absent where the portal gives none" }),
    ),
  }),
]);
export type FileDiscovered = Static<typeof FileDiscoveredSchema>;
export const fileDiscovered = validatorOf("a discovered-file message", FileDiscoveredSchema);

/** `gogobe.files.downloaded`: the bytes are stored. `local_path` is a copy in the local cache, to be used only when its hash agrees. */
export const FileDownloadedSchema = Type.Intersect([
  FileIdentitySchema,
  Type.Object({
    s3_path: Type.String({ pattern: "^s3://[^/]+/.+$" }),
    local_path: Type.Optional(
      Type.String({ description: "absolute path of a copy in the downloader's cache, named by the file's id" }),
    ),
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    sizeBytes: Type.Integer({ minimum: 0 }),
    contentType: Type.String(),
    etag: Type.String(),
    downloadedAt: Type.String({ format: "date-time" }),
    sourceUrl: Type.String({ description: "without user, password, query or fragment" }),
    replay: Type.Optional(
      Type.Boolean({ description: "asked for again by a person: the ledger may go back to `downloaded`" }),
    ),
  }),
]);
export type FileDownloaded = Static<typeof FileDownloadedSchema>;
export const fileDownloaded = validatorOf("a downloaded-file message", FileDownloadedSchema);
