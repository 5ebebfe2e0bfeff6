import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Log } from "../observability/log.ts";
import { DirectoryStore } from "./directory-store.ts";
import type { ObjectStore } from "./object-store.ts";

/** Opens the object store that configuration names, S3 or a directory below GOGOBE_HOME, and creates its bucket when missing. */
export async function openObjectStore(config: Config, log: Log): Promise<ObjectStore> {
  const directory = join(config.home, "objects");
  log.debug({ directory, bucket: config.bucket }, "objects are kept in a directory");
  const store = new DirectoryStore({
    directory,
    bucket: config.bucket,
    minFreeBytes: config.minFreeBytes,
  });
  await store.ensureBucket();
  return store;
}
