import {
  type CommandOptions,
  type CommandResult,
  readPeakMemory,
  runCommand,
  type Service,
  startService,
} from "./command.ts";
import { createFleetSpace, findFleetEngines, NO_ENGINES } from "./fleet-engines.ts";

export type Stage = "crawl" | "download" | "parse" | "write";

/** The stages of a user's commands are members of the fleet; crawling is what a test asks for itself. */
const MEMBERS: readonly Stage[] = ["write", "parse", "download"];

/** One gogobe on Kafka, S3 and PostgreSQL, with a space of its own there. */
export interface Fleet {
  /** The settings of its members and of commands beside it. */
  env: Record<string, string>;
  /** Every member that was started and is not dead. */
  members(stage?: Stage): Service[];
  /** One more member, with settings of its own. */
  start(stage: Stage, options?: { env?: Record<string, string>; args?: string[] }): Promise<Service>;
  /** A command of a user. `run --once` becomes `crawl --once --wait`: the other stages are members. */
  gogobe(args: string[], options?: CommandOptions): Promise<CommandResult>;
  /** Kills all members and removes the space. */
  close(): Promise<void>;
}

/**
 * @param env settings beside those of the engines: GOGOBE_HOME, chains
 * @param options.members who runs from the start; default: a downloader, a parser and a writer
 * @throws {Error} where the environment names no engines
 */
export async function createFleet(
  env: Record<string, string>,
  options: { members?: readonly Stage[] } = {},
): Promise<Fleet> {
  const engines = findFleetEngines();
  if (engines === null) throw new Error(NO_ENGINES);
  const space = await createFleetSpace(engines);
  const settings = { ...env, ...space.env };
  const services = new Map<Service, Stage>();

  const start: Fleet["start"] = async (stage, { env: own = {}, args = [] } = {}) => {
    const service = await startService([stage, ...args], { ...settings, ...own });
    services.set(service, stage);
    service.child.once("exit", () => services.delete(service));
    return service;
  };
  const members = (stage?: Stage) =>
    [...services].flatMap(([service, its]) => (stage === undefined || its === stage ? [service] : []));
  const close = async () => {
    await Promise.all(members().map((service) => service.kill()));
    await space.remove();
  };

  try {
    await required(["migrate"], settings);
    await required(["topics", "create"], settings);
    await Promise.all((options.members ?? MEMBERS).map((stage) => start(stage)));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    env: settings,
    members,
    start,
    gogobe: async (args, commandOptions = {}) => {
      const result = await runCommand(asFleetCommand(args), settings, commandOptions);
      const peaks = await Promise.all(members().map(({ child }) => readPeakMemory(child.pid ?? 0).catch(() => 0)));
      return { ...result, peakMemoryBytes: Math.max(result.peakMemoryBytes, ...peaks) };
    },
    close,
  };
}

function asFleetCommand(args: string[]): string[] {
  const [name, ...rest] = args;
  return name === "run" && rest.includes("--once") ? ["crawl", ...rest, "--wait"] : args;
}

async function required(args: string[], env: Record<string, string>): Promise<void> {
  const { code, stderr } = await runCommand(args, env, {});
  if (code !== 0) throw new Error(`gogobe ${args.join(" ")} ended with ${code}:\n${stderr}`);
}
