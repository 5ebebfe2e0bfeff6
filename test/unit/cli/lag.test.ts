import { expect, test } from "vitest";
import { lagRows } from "../../../cli/commands/lag.ts";

const partition = (committedOffset: number, endOffset: number) => ({
  topic: "gogobe.files.discovered",
  partition: 3,
  group: "downloader",
  endOffset,
  committedOffset,
  lag: endOffset - committedOffset,
});

test("one sample gives offsets and lag, but neither rate nor time to drain", () => {
  expect(lagRows({ atMs: 0, partitions: [partition(10, 25)] })).toEqual([
    {
      group: "downloader",
      topic: "gogobe.files.discovered",
      partition: 3,
      end: 25,
      committed: 10,
      lag: 15,
      rate: null,
      drained_in: null,
    },
  ]);
});

test("two samples give messages a second and the time to drain at that rate", () => {
  const before = { atMs: 1_000, partitions: [partition(10, 100)] };
  const [row] = lagRows({ atMs: 3_000, partitions: [partition(20, 100)] }, before);
  expect(row).toMatchObject({ lag: 80, rate: 5, drained_in: "16 s" });
});

test("a group that stands still never drains, and one that has nothing to do has no time", () => {
  const before = { atMs: 1_000, partitions: [partition(10, 100)] };
  expect(lagRows({ atMs: 2_000, partitions: [partition(10, 100)] }, before)[0]).toMatchObject({
    rate: 0,
    drained_in: "never at this rate",
  });
  expect(lagRows({ atMs: 2_000, partitions: [partition(100, 100)] }, before)[0]).toMatchObject({ drained_in: null });
});

test("a group that has committed nothing has no committed offset, and a rate from its first commit on", () => {
  const never = { ...partition(4, 10), committedOffset: null };
  expect(lagRows({ atMs: 0, partitions: [never] })[0]).toMatchObject({ committed: null, lag: 6 });
  const before = { atMs: 1_000, partitions: [never] };
  expect(lagRows({ atMs: 2_000, partitions: [partition(7, 10)] }, before)[0]).toMatchObject({ committed: 7, rate: 3 });
});
