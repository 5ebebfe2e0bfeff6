import { describe, expect, test } from "vitest";
import { prepareFlush } from "../../../writer/flush.ts";
import { storeLockName } from "../../../writer/locks.ts";
import { monthBounds } from "../../../writer/partitions.ts";
import { fileName, messagesOf, product } from "../../integration/writer/messages.ts";

const batches = () =>
  messagesOf({
    name: fileName("PriceFull", "001", "202608140300"),
    rows: [product("1", "1.00", 1), product("2", "2.00", 2)],
    batchRows: 1,
    rejected: [
      { line: 3, reason: "no price", raw: "", code: "3" },
      { line: 4, reason: "no code", raw: "" },
    ],
  });

describe("a flush", () => {
  test("numbers its batches, and counts one that stands twice once", () => {
    const messages = batches();
    expect(prepareFlush([...messages, ...messages]).map((batch) => [batch.no, batch.message.batchIndex])).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  test("rejected rows whose code could be read count as seen, others do not", () => {
    expect(prepareFlush(batches()).map((batch) => batch.seenCount)).toEqual([1, 2]);
  });

  test("a last batch without the totals of its file is refused, and totals on another batch as well", () => {
    const [first, last] = batches();
    const { totals, ...bare } = last ?? {};
    expect(() => prepareFlush([bare])).toThrow(/the totals of the file belong on its last batch/);
    expect(() => prepareFlush([{ ...first, totals }])).toThrow(/the totals of the file belong on its last batch/);
  });

  test("stores are locked by their code without leading zeros", () => {
    expect(storeLockName("729", "001")).toBe(storeLockName("729", "1"));
    expect(storeLockName("729", null)).not.toBe(storeLockName("729", "0"));
  });
});

test("the months of price_history end at UTC midnight, over the end of a year too", () => {
  expect(monthBounds("2026-12")).toEqual(["2026-12-01 00:00:00+00", "2027-01-01 00:00:00+00"]);
});
