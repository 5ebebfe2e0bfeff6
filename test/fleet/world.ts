import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKafkaClient, type RawProducer } from "../../shared/bus/kafka-loader.ts";
import { type CommandOptions, runCommand } from "../helpers/command.ts";
import { exportedTables } from "../helpers/exported-tables.ts";
import { createFleet, type Fleet, type Stage } from "../helpers/fleet.ts";

/** A fleet of its own, and what the tests of it ask. */
export interface World extends Fleet {
  home: string;
  /** Where GOGOBE_CHAINS_FILE points: members read it at their start. */
  setChains(chains: object): Promise<void>;
  must(args: string[], options?: CommandOptions): Promise<string>;
  json<T>(args: string[], options?: CommandOptions): Promise<T>;
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  exportTables(): Promise<Map<string, string>>;
  /** A message as it comes from outside, past everything that gogobe's own producer checks. */
  publishRaw(topic: string, message: { key: string; value: string | Buffer }): Promise<void>;
}

export async function createWorld(
  options: { chains?: object; env?: Record<string, string>; members?: readonly Stage[] } = {},
): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), "gogobe-fleet-"));
  const chainsFile = join(home, "chains.json");
  const setChains = (chains: object) => writeFile(chainsFile, JSON.stringify(chains));
  await setChains(options.chains ?? {});
  const { members } = options;
  const fleet = await createFleet(
    {
      GOGOBE_HOME: home,
      GOGOBE_CHAINS_FILE: chainsFile,
      GOGOBE_LOG_LEVEL: "warn",
      GOGOBE_RETRY_ATTEMPTS: "2",
      ...options.env,
    },
    members === undefined ? {} : { members },
  );
  let producer: RawProducer | undefined;
  const must = (args: string[], commandOptions: CommandOptions = {}) => mustRun(args, fleet.env, commandOptions);
  return {
    ...fleet,
    home,
    setChains,
    must,
    json: async <T>(args: string[], commandOptions: CommandOptions = {}) =>
      JSON.parse(await must([...args, "--json"], commandOptions)) as T,
    query: async <Row>(sql: string) => JSON.parse(await must(["query", sql, "--json"])) as Row[],
    exportTables: () => exportedTables(must),
    publishRaw: async (topic, { key, value }) => {
      producer ??= await openProducer(fleet.env["KAFKA_BROKERS"] ?? "");
      const message = { key, value: Buffer.from(value), headers: {} };
      await producer.send({ topic: `${fleet.env["KAFKA_PREFIX"]}${topic}`, messages: [message] });
    },
    close: async () => {
      await producer?.disconnect();
      await fleet.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Standard output of a command. @throws {Error} with all it said, unless it ends with 0 */
export async function mustRun(
  args: string[],
  env: Record<string, string>,
  options: CommandOptions = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await runCommand(args, env, options);
  if (code !== 0) throw new Error(`gogobe ${args.join(" ")} ended with ${code ?? signal}\n${stderr}\n${stdout}`);
  return stdout;
}

async function openProducer(brokers: string): Promise<RawProducer> {
  const { KafkaJS } = await loadKafkaClient();
  const producer = new KafkaJS.Kafka({ "bootstrap.servers": brokers, log_level: 0 }).producer({});
  await producer.connect();
  return producer;
}
