import type pg from "pg";
import type { Metrics } from "../observability/metrics.ts";
import type { PartitionLag } from "./bus.ts";
import { BUS_SCHEMA, positionsOf, queueOf } from "./embedded-schema.ts";
import type { TopicTable } from "./topic-table.ts";

/** One row per topic and group: how many were published, and how many of them are not acknowledged. */
export async function embeddedLag(
  pool: pg.Pool,
  topics: TopicTable,
  metrics: Metrics,
  group?: string,
): Promise<PartitionLag[]> {
  const pairs = [...topics].flatMap(([topic, groups]) => groups.map((each) => ({ topic, group: each })));
  const wanted = pairs.filter((pair) => group === undefined || pair.group === group);
  if (wanted.length === 0) return [];
  const ends = wanted.map(
    ({ topic }, index) =>
      `SELECT ${index} AS pair, CASE WHEN is_called THEN last_value ELSE 0 END AS published FROM ${positionsOf(topic)}`,
  );
  const { rows } = await pool.query<{ pair: number; published: string; waiting: string }>(
    `SELECT pair, published, (SELECT count(*) FROM ${BUS_SCHEMA}.payloads WHERE queue = ($1::text[])[pair + 1]) AS waiting
     FROM (${ends.join(" UNION ALL ")}) ends`,
    [wanted.map((pair) => queueOf(pair.topic, pair.group))],
  );
  const byPair = new Map(rows.map((row) => [row.pair, row]));
  return wanted.map((pair, index) => {
    const row = byPair.get(index);
    const endOffset = Number(row?.published ?? 0);
    const lag = Number(row?.waiting ?? 0);
    metrics.consumerLag.set({ topic: pair.topic, group: pair.group }, lag);
    return { ...pair, partition: 0, endOffset, committedOffset: endOffset - lag, lag };
  });
}
