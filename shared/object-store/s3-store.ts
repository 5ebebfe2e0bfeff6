import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { addAbortSignal, pipeline, Readable, Transform } from "node:stream";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
  type BucketLocationConstraint,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { RetryableError } from "../errors.ts";
import { decodeMetadata, encodeMetadata } from "./metadata.ts";
import type { ListedObject, ObjectStore, PutOptions, StoredObject } from "./object-store.ts";
import { assertSafeKey, objectUriOf, ObjectNotFoundError } from "./object-uri.ts";
import { explainS3Error, isNotFound } from "./s3-errors.ts";

const ATTEMPTS = 5;
const CONNECT_TIMEOUT_MS = 10_000;
/** Silence of a connection that is sending or receiving. */
const IDLE_TIMEOUT_MS = 60_000;
/** A file up to this size goes in one request; memory of an upload is two parts. */
const PART_BYTES = 8 << 20;
const PARTS_AT_ONCE = 2;
const READ_CHUNK_BYTES = 1 << 18;

export interface S3StoreOptions {
  /** Null: AWS. */
  endpoint: string | null;
  region: string;
  /** Bucket in the path rather than in the host name. */
  pathStyle: boolean;
  bucket: string;
}

/**
 * Objects in any S3 server. Credentials come from the SDK's default chain: environment, shared files, or the machine's role.
 * Bytes are checked twice: ours against the announced SHA-256 while they are read, the server's against a SHA-256 of every part.
 */
export class S3Store implements ObjectStore {
  readonly bucket: string;
  readonly #client: S3Client;
  readonly #region: string;
  readonly #server: string;

  constructor(options: S3StoreOptions) {
    this.bucket = options.bucket;
    this.#region = options.region;
    this.#server = options.endpoint === null ? `AWS S3 (${options.region})` : new URL(options.endpoint).host;
    this.#client = new S3Client({
      region: options.region,
      forcePathStyle: options.pathStyle,
      maxAttempts: ATTEMPTS,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
      ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    });
  }

  async putFile(key: string, path: string, options: PutOptions): Promise<StoredObject> {
    assertSafeKey(key);
    const { contentType, sha256, metadata } = options;
    const encoded = encodeMetadata(key, metadata);
    const { size } = await stat(path);
    const body = checked(path, key, sha256);
    const upload = new Upload({
      client: this.#client,
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
      params: {
        Bucket: this.bucket,
        Key: key,
        Body: body,
        ContentType: contentType,
        Metadata: encoded,
        ChecksumAlgorithm: "SHA256",
      },
    });
    try {
      const { ETag } = await upload.done();
      return this.#objectOf(key, { size, etag: ETag, contentType, metadata: encoded });
    } catch (error) {
      throw this.#explain(error, key);
    } finally {
      body.destroy();
    }
  }

  async head(key: string): Promise<StoredObject | null> {
    assertSafeKey(key);
    try {
      const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      return this.#objectOf(key, {
        size: found.ContentLength,
        etag: found.ETag,
        contentType: found.ContentType,
        metadata: found.Metadata,
      });
    } catch (error) {
      if (isNotFound(error)) return null;
      throw this.#explain(error, key);
    }
  }

  async get(key: string, signal?: AbortSignal): Promise<{ object: StoredObject; body: Readable }> {
    assertSafeKey(key);
    signal?.throwIfAborted();
    try {
      const found = await this.#client.send(
        new GetObjectCommand({ Bucket: this.bucket, Key: key }),
        signal ? { abortSignal: signal } : {},
      );
      if (!(found.Body instanceof Readable)) throw new RetryableError(`object ${key} came without a body`);
      const object = this.#objectOf(key, {
        size: found.ContentLength,
        etag: found.ETag,
        contentType: found.ContentType,
        metadata: found.Metadata,
      });
      // The client's own signal ends with the headers.
      return { object, body: signal ? addAbortSignal(signal, found.Body) : found.Body };
    } catch (error) {
      if (isNotFound(error)) throw new ObjectNotFoundError(`there is no object ${objectUriOf(this.bucket, key)}`);
      throw this.#explain(error, key);
    }
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    try {
      const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.bucket, Prefix: prefix });
      for await (const page of pages) {
        for (const { Key: key, Size: size, ETag: etag } of page.Contents ?? []) {
          // A key that ends in a slash is a folder that somebody made in a console.
          if (key === undefined || key.endsWith("/")) continue;
          yield { key, uri: objectUriOf(this.bucket, key), sizeBytes: size ?? 0, etag: unquoted(etag) };
        }
      }
    } catch (error) {
      throw this.#explain(error, prefix);
    }
  }

  async delete(key: string): Promise<void> {
    assertSafeKey(key);
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
    } catch (error) {
      if (!isNotFound(error)) throw this.#explain(error, key);
    }
  }

  async ensureBucket(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.bucket }));
    } catch (error) {
      if (!isNotFound(error)) throw this.#explain(error, "");
      await this.#createBucket();
    }
  }

  async ping(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.bucket }));
    } catch (error) {
      throw this.#explain(error, "");
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  async #createBucket(): Promise<void> {
    // The first region is where S3 puts a bucket that names none, and it refuses to hear its name.
    const location = this.#region === "us-east-1" ? null : (this.#region as BucketLocationConstraint);
    try {
      await this.#client.send(
        new CreateBucketCommand({
          Bucket: this.bucket,
          ...(location === null ? {} : { CreateBucketConfiguration: { LocationConstraint: location } }),
        }),
      );
    } catch (error) {
      // Another process may have been first.
      if (error instanceof Error && error.name === "BucketAlreadyOwnedByYou") return;
      throw this.#explain(error, "");
    }
  }

  #explain(error: unknown, key: string): unknown {
    return explainS3Error(error, { server: this.#server, bucket: this.bucket, key });
  }

  #objectOf(key: string, found: FoundObject): StoredObject {
    return {
      key,
      uri: objectUriOf(this.bucket, key),
      sizeBytes: found.size ?? 0,
      etag: unquoted(found.etag),
      contentType: found.contentType ?? "application/octet-stream",
      metadata: decodeMetadata(found.metadata ?? {}),
    };
  }
}

interface FoundObject {
  size: number | undefined;
  etag: string | undefined;
  contentType: string | undefined;
  metadata: Record<string, string> | undefined;
}

function unquoted(etag: string | undefined): string {
  return (etag ?? "").replaceAll('"', "");
}

/** The bytes of a file; fails at the end, before the upload is completed, when they are not those that were announced. */
function checked(path: string, key: string, sha256: string): Readable {
  const hash = createHash("sha256");
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const found = hash.digest("hex");
      if (found === sha256) done();
      else {
        done(
          new RetryableError(`object ${key} is not stored: ${path} has sha256 ${found}, but ${sha256} was announced`),
        );
      }
    },
  });
  // Errors of either reach the upload through the second.
  pipeline(createReadStream(path, { highWaterMark: READ_CHUNK_BYTES }), check, () => undefined);
  return check;
}
