import type pg from "pg";
import type { Bus } from "../shared/bus/bus.ts";
import { GROUPS, TOPICS, type Topic } from "../shared/contracts/topics.ts";
import type { FileStatus } from "../shared/database/ledger.ts";
import { discoveredMessage, downloadedMessage } from "./file-rows.ts";
import { publishOutbox } from "./outbox.ts";
import { type PublishRows, publishRows } from "./publish-rows.ts";

/** While a stage still has messages waiting, a file is more likely in that queue than lost: it is given this many times longer. */
const PATIENCE_WITH_BACKLOG = 8;

/** Where a file of each unfinished state is stuck, and the message that brings it on. */
const WAYS: readonly { status: FileStatus; topic: Topic; group: string; message: PublishRows["message"] }[] = [
  {
    status: "discovered",
    topic: TOPICS.discovered,
    group: GROUPS.downloader,
    message: (row) => discoveredMessage(row),
  },
  { status: "downloaded", topic: TOPICS.downloaded, group: GROUPS.parser, message: downloadedMessage },
  // Some batch never arrived: reading the file again publishes them all, and those that were loaded are known by their ids.
  { status: "parsed", topic: TOPICS.downloaded, group: GROUPS.writer, message: downloadedMessage },
];

export interface SweepResult {
  /** Never published before: a crash between ledger and bus. */
  fromOutbox: number;
  /** Published again, by the state they were stuck in. */
  revived: Record<string, number>;
}

/**
 * Publishes again what the ledger shows stuck: rows that never reached the bus, and files that stayed in one state longer than
 * `sweepSeconds`. Repeating a message costs work at the most: every effect is idempotent. Safe in several processes at once.
 */
export async function sweep(deps: { db: pg.Pool; bus: Bus }, options: { sweepSeconds: number }): Promise<SweepResult> {
  const fromOutbox = await publishOutbox(deps);
  const revived: Record<string, number> = {};
  for (const way of WAYS) {
    const backlog = await waiting(deps.bus, way.group);
    const seconds = options.sweepSeconds * (backlog > 0 ? PATIENCE_WITH_BACKLOG : 1);
    const count = await revive(deps, way, seconds);
    if (count > 0) revived[way.status] = count;
  }
  return { fromOutbox, revived };
}

async function waiting(bus: Bus, group: string): Promise<number> {
  const partitions = await bus.lag(group);
  return partitions.reduce((sum, partition) => sum + partition.lag, 0);
}

function revive(deps: { db: pg.Pool; bus: Bus }, way: (typeof WAYS)[number], seconds: number): Promise<number> {
  return publishRows(deps, {
    topic: way.topic,
    // The states are named once more as they stand in the partial index. A stored object must be known to be read again.
    where: `status = $1 AND status IN ('discovered', 'downloaded', 'parsed') AND enqueued_at IS NOT NULL
      AND (status = 'discovered' OR (object_uri IS NOT NULL AND sha256 IS NOT NULL))
      AND changed_at < now() - make_interval(secs => $2)`,
    values: [way.status, seconds],
    message: way.message,
    // The clock starts again, so that one stuck file is one message per period.
    mark: "changed_at = now()",
  });
}
