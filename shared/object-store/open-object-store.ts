import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Log } from "../observability/log.ts";
import { DirectoryStore } from "./directory-store.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * Opens the object store that configuration names, S3 or a directory below GOGOBE_HOME, and creates its bucket when missing.
 * @throws {UsageError} no credentials, access denied
 * @throws {RetryableError} an S3 server that cannot be reached
 */
export async function openObjectStore(config: Config, log: Log): Promise<ObjectStore> {
  const store = config.s3 === null ? directoryStore(config, log) : await s3Store(config, config.s3);
  try {
    await store.ensureBucket();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

function directoryStore(config: Config, log: Log): ObjectStore {
  const directory = join(config.home, "objects");
  log.debug({ directory, bucket: config.bucket }, "objects are kept in a directory");
  return new DirectoryStore({ directory, bucket: config.bucket, minFreeBytes: config.minFreeBytes });
}

async function s3Store(config: Config, s3: NonNullable<Config["s3"]>): Promise<ObjectStore> {
  // The SDK takes a quarter of a second to load; only who needs it pays.
  const { S3Store } = await import("./s3-store.ts");
  return new S3Store({ ...s3, bucket: config.bucket });
}
