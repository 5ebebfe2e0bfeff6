import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectoryStore } from "../../shared/object-store/directory-store.ts";
import { objectStoreContract } from "./object-store-suite.ts";

objectStoreContract({
  name: "directory",
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), "gogobe-objects-"));
    const store = new DirectoryStore({ directory, bucket: "test-bucket", minFreeBytes: 0 });
    await store.ensureBucket();
    return { store, cleanup: () => rm(directory, { recursive: true, force: true }) };
  },
});
