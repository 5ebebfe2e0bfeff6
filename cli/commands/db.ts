import type { Command } from "commander";
import { GogobeError } from "../../shared/errors.ts";
import { contextOf } from "../context.ts";
import { printLine } from "../output.ts";
import { openMigrated } from "../runtime.ts";

export function configure(command: Command): void {
  command
    .command("url")
    .description("print the address of the database, password included, for psql and other programs")
    .option(
      "--read-only",
      "an address whose sessions only read: a guard against mistakes, the password in it is the owner's",
    )
    .addHelpText("after", "\nThe embedded server stays up for whoever uses the address, until `gogobe db stop`.")
    .action(async (options: { readOnly?: boolean }) => {
      const { config, log } = contextOf(command, { quiet: true });
      const { url } = await openMigrated(config, log);
      // Ends without closing: closing would stop the embedded server, and the address is asked for in order to connect.
      process.stdout.write(`${options.readOnly ? readOnlyUrl(url) : url}\n`, () => process.exit(0));
    });

  command
    .command("stop")
    .description("stop the embedded server, unless other processes use it")
    .option("--force", "stop it even then")
    .action(async (options: { force?: boolean }) => {
      const { config } = contextOf(command, { quiet: true });
      if (config.databaseUrl !== null) {
        printLine("DATABASE_URL is set: that server is not gogobe's to stop");
        return;
      }
      const { stopEmbeddedPostgres } = await import("../../shared/database/embedded-postgres.ts");
      const outcome = await stopEmbeddedPostgres(config.home, options);
      if (outcome === "in use") {
        throw new GogobeError(`the embedded PostgreSQL of ${config.home} is in use by other processes`, {
          hint: "end them first, or stop it all the same with --force",
        });
      }
      printLine(`the embedded PostgreSQL of ${config.home} is ${outcome}`);
    });
}

/** The same database; every session has the reader's rights and read-only transactions from its first statement on. */
export function readOnlyUrl(url: string): string {
  const address = new URL(url);
  address.searchParams.set("options", "-c default_transaction_read_only=on -c role=gogobe_reader");
  // libpq takes %20 for a space, but not the plus sign of form encoding.
  return address.href.replaceAll("+", "%20");
}
