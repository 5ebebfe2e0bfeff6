import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { deleteEmbeddedPostgres } from "../../shared/database/embedded-postgres.ts";
import { type CommandOptions, type CommandResult, runCommand } from "./command.ts";
import { exportedTables } from "./exported-tables.ts";
import { createFleet, type Fleet, type Stage } from "./fleet.ts";
import { fleetIsAsked } from "./fleet-engines.ts";

/** One GOGOBE_HOME (or one fleet configuration) and the real command line over it, as a user has it. */
export interface Pipeline {
  home: string;
  env: Record<string, string>;
  /** Its members, when it is one on Kafka, S3 and PostgreSQL. */
  fleet: Fleet | null;
  gogobe(args: string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs and fails loudly unless the command ends with 0. Returns standard output. */
  must(args: string[], options?: CommandOptions): Promise<string>;
  /** Rows of one SQL statement, through `gogobe query --json`. */
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** Every exported file by name, after a refresh. */
  exportTables(): Promise<Map<string, string>>;
  /** A pool on the pipeline's database; the caller ends it. */
  pool(): Promise<pg.Pool>;
  close(): Promise<void>;
}

interface PipelineOptions {
  /** What GOGOBE_CHAINS_FILE holds: the fake portals' overrides merged. */
  chains?: object;
  env?: Record<string, string>;
  /** On the embedded defaults also when the suite runs on the fleet: for what only they have. */
  embedded?: boolean;
  /** On the fleet even when the suite does not run on it, with these members from the start. */
  members?: readonly Stage[];
}

/**
 * A pipeline of its own: on the embedded defaults, or, with GOGOBE_TEST_FLEET=1, on Kafka, S3 and PostgreSQL with every stage a
 * process of its own. The same tests run on both.
 */
export async function createPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const home = await mkdtemp(join(tmpdir(), "gogobe-e2e-"));
  const env: Record<string, string> = { GOGOBE_HOME: home, GOGOBE_LOG_LEVEL: "warn", ...options.env };
  if (options.chains) {
    env["GOGOBE_CHAINS_FILE"] = join(home, "chains.json");
    await writeFile(env["GOGOBE_CHAINS_FILE"], JSON.stringify(options.chains));
  }
  const { members } = options;
  const onFleet = members !== undefined || (fleetIsAsked() && !options.embedded);
  const fleet = onFleet ? await createFleet(env, members === undefined ? {} : { members }) : null;
  if (fleet) Object.assign(env, fleet.env);
  const gogobe = (args: string[], commandOptions: CommandOptions = {}) =>
    fleet ? fleet.gogobe(args, commandOptions) : runCommand(args, env, commandOptions);
  const must = async (args: string[], commandOptions: CommandOptions = {}) => {
    const result = await gogobe(args, commandOptions);
    if (result.code !== 0) {
      throw new Error(
        `gogobe ${args.join(" ")} ended with ${result.code ?? result.signal}\n${result.stderr}\n${result.stdout}`,
      );
    }
    return result.stdout;
  };
  return {
    home,
    env,
    fleet,
    gogobe,
    must,
    query: async <Row>(sql: string) => JSON.parse(await must(["query", sql, "--json"])) as Row[],
    exportTables: () => exportedTables(must),
    pool: async () => {
      const pool = new pg.Pool({ connectionString: (await must(["db", "url"])).trim() });
      // A failed test leaves it open, and closing the pipeline ends its connections.
      pool.on("error", () => undefined);
      return pool;
    },
    close: async () => {
      await fleet?.close();
      await deleteEmbeddedPostgres(home);
      await rm(home, { recursive: true, force: true });
    },
  };
}
