import type { Command } from "commander";

/** A command's own file: adds arguments, options and the action to a command that has its name already. */
export interface CommandModule {
  configure(command: Command): void;
}

export interface CommandEntry {
  name: string;
  about: string;
  /** Loads the command's file: called only when it runs or when its own help is asked for. */
  load(): Promise<CommandModule>;
}

/** Every command, in the order in which `gogobe --help` shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  entry("demo", "the whole pipeline on sample portals that it starts itself", () => import("./commands/demo.ts")),
  entry("run", "all stages in one process", () => import("./commands/run.ts")),
  entry("crawl", "list the portals and publish what is new (a fleet member)", () => import("./commands/crawl.ts")),
  entry("download", "fetch discovered files into the store (a fleet member)", () => import("./commands/download.ts")),
  entry("parse", "read stored files into batches (a fleet member)", () => import("./commands/parse.ts")),
  entry("write", "load batches into PostgreSQL (a fleet member)", () => import("./commands/write.ts")),
  entry("ingest", "load local files, as if they had been downloaded", () => import("./commands/ingest.ts")),
  entry("inspect", "show what is in a file without loading it", () => import("./commands/inspect.ts")),
  entry("export", "write every table as sorted CSV", () => import("./commands/export.ts")),
  entry("query", "run one read-only SQL statement", () => import("./commands/query.ts")),
  entry("chains", "the chains that are known and how their portals answer", () => import("./commands/chains.ts")),
  entry("files", "the ledger: every file and how far it came", () => import("./commands/files.ts")),
  entry("lag", "how many messages wait, by topic and consumer group", () => import("./commands/lag.ts")),
  entry("replay", "send stored files through the line again", () => import("./commands/replay.ts")),
  entry("backfill", "load stored files straight into PostgreSQL", () => import("./commands/backfill.ts")),
  entry("topics", "the topics of the bus", () => import("./commands/topics.ts")),
  entry("dlq", "messages that could not be handled", () => import("./commands/dlq.ts")),
  entry("migrate", "bring the database schema up to date", () => import("./commands/migrate.ts")),
  entry("refresh", "refresh the materialized views", () => import("./commands/refresh.ts")),
  entry("db", "the database: its address, and stopping the embedded one", () => import("./commands/db.ts")),
  entry("doctor", "explain every setting and try everything that is needed", () => import("./commands/doctor.ts")),
];

function entry(name: string, about: string, load: () => Promise<CommandModule>): CommandEntry {
  return { name, about, load };
}
