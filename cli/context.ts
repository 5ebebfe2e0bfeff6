import type { Command } from "commander";
import { type Config, loadConfig, SETTINGS } from "../shared/config.ts";
import { createLog, type Log } from "../shared/observability/log.ts";

/** What every command starts from: validated settings and a log. */
export interface Context {
  config: Config;
  log: Log;
}

export interface ContextOptions {
  /** Goes into every log line of a stage that runs as a service. */
  stage?: string;
  /** A command for people: warnings and errors only, unless somebody asked for more. */
  quiet?: boolean;
  environment?: Record<string, string | undefined>;
}

/**
 * Reads the settings and opens the log; `--verbose` asks for debug lines.
 * @throws {UsageError} when a setting is wrong
 */
export function contextOf(command: Command, options: ContextOptions = {}): Context {
  const environment = options.environment ?? process.env;
  const config = loadConfig(environment);
  const { verbose = false } = command.optsWithGlobals<{ verbose?: boolean }>();
  const asked = environment["GOGOBE_LOG_LEVEL"] !== undefined || config.logLevel !== SETTINGS.GOGOBE_LOG_LEVEL.fallback;
  const level = verbose ? "debug" : options.quiet && !asked ? "warn" : config.logLevel;
  return { config, log: createLog({ level, ...(options.stage === undefined ? {} : { stage: options.stage }) }) };
}
