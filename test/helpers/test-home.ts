import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deleteEmbeddedPostgres, openEmbeddedPostgres } from "../../shared/database/embedded-postgres.ts";
import { createLog } from "../../shared/observability/log.ts";
import { TEST_POSTGRES_SETTINGS } from "./test-postgres.ts";

/** A directory for GOGOBE_HOME, for tests that run programs on the embedded defaults. */
export interface TestHome {
  path: string;
  /** Stops the home's database server, whoever uses it, and deletes everything, data that lies elsewhere included. */
  remove(): Promise<void>;
}

/**
 * @param options.database makes the embedded database beforehand, with settings that are fast rather than durable: programs that
 *   the test starts then find it ready (it is stopped again)
 */
export async function createTestHome(options: { database?: boolean } = {}): Promise<TestHome> {
  const path = await mkdtemp(join(tmpdir(), "gogobe-test-home-"));
  // As root, the server runs as another account: it must be able to enter.
  await chmod(path, 0o711);
  const remove = async () => {
    await deleteEmbeddedPostgres(path);
    await rm(path, { recursive: true, force: true });
  };
  if (options.database) {
    try {
      const server = await openEmbeddedPostgres(path, createLog({ level: "warn" }), {
        settings: TEST_POSTGRES_SETTINGS,
      });
      await server.close();
    } catch (error) {
      await remove();
      throw error;
    }
  }
  return { path, remove };
}
