import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { PartitionLag } from "../../shared/bus/bus.ts";
import { errorMessage, isRetryable } from "../../shared/errors.ts";
import { contextOf } from "../context.ts";
import { type Row, durationText, formatOf, printLine, printRows } from "../output.ts";
import { parseCount } from "../options.ts";
import { withRuntime } from "../runtime.ts";

interface Options {
  watch?: boolean;
  interval: number;
  group?: string;
  json?: boolean;
}

interface Sample {
  atMs: number;
  partitions: PartitionLag[];
}

const COLUMNS = ["group", "topic", "partition", "end", "committed", "lag", "rate", "drained_in"];

export function configure(command: Command): void {
  command
    .option("--group <name>", "one consumer group only")
    .option("--watch", "print again and again, with rate and time to drain")
    .option("--interval <seconds>", "time between two prints with --watch", parseCount, 2)
    .option("--json", "print a JSON array; with --watch one array a line")
    .action(async (options: Options) => {
      await withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const bus = await runtime.bus();
        const sample = async (): Promise<Sample> => ({ atMs: Date.now(), partitions: await bus.lag(options.group) });
        let last = await sample();
        print(lagRows(last), options);
        if (!options.watch) return;
        const stopped = runtime.shutdown.signal;
        // Ends with its reader, too.
        while (!stopped.aborted && process.stdout.writable) {
          await sleep(options.interval * 1000, undefined, { signal: stopped }).catch(() => undefined);
          if (stopped.aborted) return;
          const next = await sample().catch(tellOfOutage);
          if (next === null) continue;
          print(lagRows(next, last), options);
          last = next;
        }
      });
    });
}

/** Whoever watches wants to see the bus come back. @throws what does not pass by itself */
function tellOfOutage(error: unknown): null {
  if (!isRetryable(error)) throw error;
  process.stderr.write(`${errorMessage(error)}\n`);
  return null;
}

function print(rows: Row[], options: Options): void {
  if (options.watch && options.json) return printLine(JSON.stringify(rows));
  if (options.watch) printLine(`\n${new Date().toISOString()}`);
  printRows(rows, formatOf(options), COLUMNS);
}

/**
 * One row per partition; `committed` is empty where the group has committed nothing yet. Rate (messages acknowledged a second) and time
 * to drain need an earlier sample.
 */
export function lagRows(now: Sample, before?: Sample): Row[] {
  const earlier = new Map(before?.partitions.map((partition) => [keyOf(partition), positionOf(partition)]));
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
  return now.partitions.map((partition) => {
    const was = earlier.get(keyOf(partition));
    const rate = was === undefined || seconds <= 0 ? null : (positionOf(partition) - was) / seconds;
    return {
      group: partition.group,
      topic: partition.topic,
      partition: partition.partition,
      end: partition.endOffset,
      committed: partition.committedOffset,
      lag: partition.lag,
      rate: rate === null ? null : Number(rate.toFixed(1)),
      drained_in: timeToDrain(partition.lag, rate),
    };
  });
}

/** Where the group goes on reading, also when it has committed nothing. */
function positionOf({ endOffset, lag }: PartitionLag): number {
  return endOffset - lag;
}

function timeToDrain(lag: number, rate: number | null): string | null {
  if (lag === 0 || rate === null) return null;
  return rate > 0 ? durationText(lag / rate) : "never at this rate";
}

function keyOf(partition: PartitionLag): string {
  return `${partition.group}\n${partition.topic}\n${partition.partition}`;
}
