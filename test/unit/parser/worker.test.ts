import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { startParser } from "../../../parser/worker.ts";
import type { ConsumeOptions, OutgoingMessage } from "../../../shared/bus/bus.ts";
import { loadConfig } from "../../../shared/config.ts";
import type { IngestMessage } from "../../../shared/contracts/ingest-messages.ts";
import { UnreadableFileError } from "../../../shared/errors.ts";
import { createLog } from "../../../shared/observability/log.ts";
import { createMetrics } from "../../../shared/observability/metrics.ts";
import type { StageDeps } from "../../../shared/stage.ts";
import { downloadedFile } from "./helpers/parse.ts";

/** A parser on a bus and a database that only write down what they are given, and a store that holds the file delivered last. */
async function parser() {
  const published: OutgoingMessage[] = [];
  const queries: { name?: string; values?: unknown[] }[] = [];
  let options: ConsumeOptions | undefined;
  const metrics = createMetrics();
  let stored = Buffer.alloc(0);
  const deps = {
    config: loadConfig({ GOGOBE_HOME: "no-such-home" }),
    log: createLog({ level: "silent" }),
    metrics,
    bus: {
      publish: async (_topic: string, messages: OutgoingMessage[]) => void published.push(...messages),
      consume: async (given: ConsumeOptions) => {
        options = given;
        return { stop: async () => {} };
      },
    },
    store: { bucket: "gogobe-raw", get: async () => ({ body: Readable.from([stored]) }) },
    db: { query: async (query: { name?: string; values?: unknown[] }) => void queries.push(query) },
  } as unknown as StageDeps;
  await startParser(deps);
  const deliver = async (fileName: string, xml: string) => {
    stored = Buffer.from(xml);
    const value = downloadedFile(stored, fileName);
    const delivery = { topic: "t", key: "k", value, headers: {}, attempt: 1 };
    try {
      await options?.handler([delivery], new AbortController().signal);
    } catch (error) {
      await options?.onDeadLetter?.(delivery, error);
      throw error;
    }
  };
  const tags = async () =>
    Object.fromEntries((await metrics.unknownTagsTotal.get()).values.map(({ labels, value }) => [labels.tag, value]));
  return { deliver, tags, published, queries };
}

const document = (fields: string) =>
  `<Root><ChainId>7290000000001</ChainId><Items><Item><ItemCode>11</ItemCode><ItemPrice>1</ItemPrice>${fields}</Item></Items></Root>`;

describe("a renamed field", () => {
  test("shows in the metric of its chain, in the ledger, and travels with its row", async () => {
    const { deliver, tags, published, queries } = await parser();
    const name = "PriceFull7290000000001-001-202601020300.gz";
    await deliver(name, document("<ItemTitle>a</ItemTitle><Empty/>"));
    await deliver("PriceFull7290000000001-002-202601020300.gz", document("<ItemTitle>b</ItemTitle>"));
    expect(await tags()).toEqual({ ItemTitle: 2, Empty: 1 });
    const [message] = published.map(({ value }) => value as IngestMessage);
    expect(message).toMatchObject({ fileName: name, isLast: true, items: [{ ean: "11", extra: { ItemTitle: "a" } }] });
    expect(queries[0]).toMatchObject({ name: "ledger-parsed" });
    expect(queries[0]?.values).toContain('{"ItemTitle":1,"Empty":1}');
  });

  test("of a file that invents names without end cannot fill the metrics", async () => {
    const { deliver, tags } = await parser();
    for (let file = 0; file < 12; file++) {
      const invented = Array.from({ length: 100 }, (_, index) => `<T${file}x${index}>1</T${file}x${index}>`).join("");
      await deliver(`PriceFull7290000000001-00${file}-202601020300.gz`, document(invented));
    }
    await deliver(
      "PriceFull7290000000001-099-202601020300.gz",
      document(`<${"L".repeat(5_000)}>1</${"L".repeat(5_000)}>`),
    );
    const counted = await tags();
    expect(Object.keys(counted)).toHaveLength(1_001);
    expect(counted["(other)"]).toBe(201);
    expect(Math.max(...Object.keys(counted).map((tag) => tag.length))).toBeLessThanOrEqual(100);
  });
});

test("a file that no reader can use is quarantined in the ledger with its reason", async () => {
  const { deliver, published, queries } = await parser();
  const page = "<!DOCTYPE html><html><head><title>Gone</title></head></html>";
  await expect(deliver("Price7290000000001-001-202601020300.gz", page)).rejects.toThrow(UnreadableFileError);
  expect(published).toEqual([]);
  expect(queries[0]?.values?.slice(1)).toEqual(["quarantined", 'an HTML page instead of a file: "Gone"']);
});
