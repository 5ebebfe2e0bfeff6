import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadChains } from "../../crawlers/chains.ts";
import { cerberus } from "../../crawlers/portals/cerberus.ts";
import type { Chain } from "../../shared/contracts/chain.ts";
import { createPortalAccess } from "../../shared/net/portal-access.ts";
import { createLog } from "../../shared/observability/log.ts";
import { createMetrics } from "../../shared/observability/metrics.ts";
import { startCerberus } from "../fake-portals/cerberus.ts";
import { createTestDatabase, type TestDatabase } from "../helpers/database.ts";
import { NOW } from "./portal-world.ts";

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase()));
afterAll(() => database.drop());

test("thirteen chains on one FTP host never hold more connections than it allows, idle ones included", async () => {
  const ofHost = loadChains({ chainsFile: null })
    .all()
    .filter(({ portal }) => portal === "cerberus");
  expect(ofHost).toHaveLength(13);
  const accounts = ofHost.map((chain) => ({ chain, ...(chain.ftp as NonNullable<Chain["ftp"]>) }));
  const files = ofHost.map(({ key, chainIds: [id = ""] }) => {
    const name = `PriceFull${id}-001-202601130300.gz`;
    return { name, content: Buffer.from(name), publishedAt: NOW, account: key };
  });
  const portal = await startCerberus(files, { accounts });
  portal.addFault({ kind: "gather", requests: 6, atMostMs: 200, times: 13 });
  const chainsFile = join(mkdtempSync(join(tmpdir(), "gogobe-shared-host-")), "chains.json");
  writeFileSync(chainsFile, JSON.stringify(portal.chainOverrides()));
  const chains = loadChains({ chainsFile });
  const [log, metrics] = [createLog({ level: "silent" }), createMetrics()];
  const access = createPortalAccess({ db: database.pool, log, metrics, chains });
  async function listOne(key: string): Promise<string[]> {
    const chain = chains.byKey(key) as Chain;
    const { http, ftp, close } = access.forChain(chain);
    const context = { chain, http, ftp, signal: new AbortController().signal, now: () => NOW };
    const names: string[] = [];
    for await (const page of cerberus.list(context, {})) names.push(...page.map(({ fileName }) => fileName));
    await close();
    return names;
  }

  // Twice: the second time, connections of the first wait for their next use.
  for (let round = 0; round < 2; round++) {
    const listed = await Promise.all(ofHost.map(({ key }) => listOne(key)));
    expect(listed.flat()).toEqual(files.map(({ name }) => name));
  }
  const allowed = Math.min(...ofHost.map(({ maxParallel }) => maxParallel));
  expect([portal.peakParallel(), portal.peakConnections()]).toEqual([allowed, allowed]);
  await access.close();
  await portal.close();
});
