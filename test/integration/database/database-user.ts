import { createInterface } from "node:readline";
import { loadConfig } from "../../../shared/config.ts";
import { errorMessage } from "../../../shared/errors.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { openDatabase } from "../../../shared/database/open-database.ts";
import { MIGRATIONS_DIRECTORY } from "../../../writer/migrations.ts";

/** A program that uses the embedded database: prints `open` with the server's port, then obeys one command a line. */
try {
  const log = createLog({ level: "warn" });
  const database = await openDatabase(loadConfig(), log, { migrationsDirectory: MIGRATIONS_DIRECTORY });
  console.log(`open ${new URL(database.url).port}`);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "close") break;
    const { rows } = await database.pool.query({ text: line, rowMode: "array" });
    console.log(JSON.stringify(rows));
  }
  // An open socket for standard input would keep this process alive.
  process.stdin.destroy();
  await database.close();
  console.log("closed");
} catch (error) {
  console.log(`failed ${errorMessage(error)}`);
  process.exitCode = 1;
}
