import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startDownloader } from "../../../downloader/worker.ts";
import { openBus } from "../../../shared/bus/open-bus.ts";
import type { Bus } from "../../../shared/bus/bus.ts";
import { messageKeyOf } from "../../../shared/contracts/file-identity.ts";
import type { FileDiscovered } from "../../../shared/contracts/file-messages.ts";
import { TOPICS } from "../../../shared/contracts/topics.ts";
import type { RunningStage } from "../../../shared/stage.ts";
import { createHarness, discovered, type Harness } from "./harness.ts";

let h: Harness;
let bus: Bus;
let downloader: RunningStage;

beforeAll(async () => {
  h = await createHarness({ fileAttempts: 1 }, { GOGOBE_RETRY_ATTEMPTS: "2" });
  const { config, log, metrics } = h.deps;
  bus = await openBus({ config, log, metrics, pool: h.database.pool, databaseUrl: h.database.url });
  await bus.ensureTopics();
  downloader = await startDownloader({ ...h.deps, bus, access: h.access });
});
afterAll(async () => {
  await downloader.stop();
  await bus.close();
  await h.close();
});

/** As the crawler does: a row in the ledger first, then the message. */
async function discover(file: FileDiscovered): Promise<void> {
  await h.database.pool.query(
    `INSERT INTO files (file_id, chain, chain_id, portal, file_name, file_type, version, source_url, status, published_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, '', 'discovered', $8)`,
    [file.fileId, file.chain, file.chainId, file.portal, file.fileName, file.fileType, file.version, file.publishedAt],
  );
  await bus.publish(TOPICS.discovered, [{ key: messageKeyOf(file), value: file }]);
}

function settled(fileId: string) {
  return vi.waitFor(
    async () => {
      const row = await h.ledger(fileId);
      if (row === undefined || row["status"] === "discovered") throw new Error("still discovered");
      return row;
    },
    { timeout: 30_000, interval: 50 },
  );
}

const named = (store: string) => `PriceFull7290000000015-${store}-202601020010.gz`;

describe("the downloader on the bus", () => {
  it("downloads the good ones, quarantines what no retry can mend and gives up what fails every time", async () => {
    const base = await h.serve((request, response) => {
      if (request.url?.startsWith("/broken")) response.writeHead(500).end();
      else response.end("bytes");
    });
    const good = discovered(`${base}/good`, { fileName: named("001") });
    const foreign = discovered("http://evil.example.org/f?sig=SECRET", { fileName: named("002") });
    const broken = discovered(`${base}/broken?sig=SECRET`, { fileName: named("003") });
    for (const file of [foreign, broken, good]) await discover(file);

    expect(await settled(good.fileId)).toMatchObject({ status: "downloaded", error: null });
    expect(await settled(foreign.fileId)).toMatchObject({
      status: "quarantined",
      error: expect.stringContaining("host evil.example.org is not one of its hosts"),
    });
    expect(await settled(broken.fileId)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/127\.0\.0\.1:\d+: answered with an error \(status 500\)/),
    });
    expect(await bus.deadLetters(TOPICS.discovered)).toHaveLength(2);
    const { rows } = await h.database.pool.query("SELECT error FROM files");
    expect(JSON.stringify(rows)).not.toContain("SECRET");
    const lag = (await bus.lag("parser")).reduce((sum, { lag }) => sum + lag, 0);
    expect(lag).toBe(1);
  });
});
