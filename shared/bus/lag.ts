import type { PartitionLag } from "./bus.ts";

/** A group that has committed nothing on a partition will start at its oldest message. Ends are decimal text; a negative commit: none. */
export function partitionLags(
  topic: string,
  group: string,
  ends: readonly { partition: number; low: string; high: string }[],
  committed: readonly { partition: number; offset: number }[],
): PartitionLag[] {
  const offsets = new Map(committed.map((each) => [each.partition, each.offset]));
  return ends
    .map(({ partition, low, high }) => {
      const endOffset = Number(high);
      const offset = offsets.get(partition) ?? -1;
      const committedOffset = offset < 0 ? null : offset;
      const lag = Math.max(0, endOffset - (committedOffset ?? Number(low)));
      return { topic, partition, group, endOffset, committedOffset, lag };
    })
    .sort((a, b) => a.partition - b.partition);
}
