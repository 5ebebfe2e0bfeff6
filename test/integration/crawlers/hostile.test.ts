import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { israelDay } from "../../../shared/israel-time.ts";
import { startCerberus } from "../../fake-portals/cerberus.ts";
import { type ChainOverride, LOOPBACK, overrideFor, type PortalChain } from "../../fake-portals/fake-portal.ts";
import { type HostileFtpOptions, startHostileFtp } from "../../fake-portals/hostile-ftp.ts";
import {
  answers,
  bombs,
  closedPort,
  drips,
  dripsHeaders,
  floods,
  hangs,
  type Hostility,
  liesAboutGzip,
  LOGIN_PAGE,
  redirectsTo,
  sendsLess,
  sendsMore,
  startHostileHttp,
  startHostileTcp,
  tablePage,
} from "../../fake-portals/hostile-http.ts";
import { createCatalogue } from "../../fixtures/catalogue.ts";
import { FIXTURE_CHAINS } from "../../fixtures/chains.ts";
import { renderPriceFile } from "../../fixtures/render/price.ts";
import { createStoreDay } from "../../fixtures/store-day.ts";
import { createStoresList, fixtureStore } from "../../fixtures/stores-list.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import type { CommandResult } from "../../helpers/command.ts";
import { createPipeline, type Pipeline } from "../../helpers/pipeline.ts";

const MAX_MEMORY_BYTES = 300_000_000;
/** As the issue says: one byte every thirty seconds. The limits of the run below are far shorter. */
const MS_PER_BYTE = 30_000;

const TODAY = israelDay(new Date());
const STAMP = TODAY.replaceAll("-", "");
const PAGE = tablePage([`PriceFull7290000000015-001-${STAMP}0010.gz`]);

interface Case {
  /** Registry key, and what the portal does. */
  key: string;
  portal: "netiv-hesed" | "meshnat-yosef-worker" | "cerberus";
  /** Starts it; returns its address. */
  start(): Promise<string>;
  state: "unreachable" | "layout-not-recognised";
  says: RegExp;
}

const closers: (() => Promise<unknown>)[] = [];

const http = (hostility: Hostility) => async () => {
  const server = await startHostileHttp({ "*": hostility });
  closers.push(() => server.close());
  return server.url;
};
const tcp = (answer: Parameters<typeof startHostileTcp>[0]) => async () => {
  const server = await startHostileTcp(answer);
  closers.push(() => server.close());
  return server.url;
};
const ftp = (options: HostileFtpOptions) => async () => {
  const server = await startHostileFtp(options);
  closers.push(() => server.close());
  return server.url;
};

const html = "netiv-hesed";
const down = "unreachable";
const other = "layout-not-recognised";

const CASES: Case[] = [
  { key: "refuses", portal: html, start: closedPort, state: down, says: /connection was refused/ },
  { key: "unknown-name", portal: html, start: async () => "http://portal.invalid/", state: down, says: /DNS/ },
  { key: "hangs", portal: html, start: http(hangs), state: down, says: /timed out in phase "response"/ },
  {
    key: "drips",
    portal: html,
    start: http(drips(MS_PER_BYTE)),
    state: down,
    says: /sent (nothing|only \d bytes?) for/,
  },
  { key: "drips-fast", portal: html, start: http(drips(100)), state: down, says: /sent only \d+ bytes for/ },
  { key: "drips-headers", portal: html, start: tcp(dripsHeaders(500)), state: down, says: /phase "response"/ },
  { key: "sends-less", portal: html, start: http(sendsLess(PAGE)), state: down, says: /connection was cut/ },
  { key: "sends-more", portal: html, start: tcp(sendsMore(PAGE, 40)), state: down, says: /longer than it announces/ },
  { key: "gzip-lie", portal: html, start: http(liesAboutGzip(Buffer.from(PAGE))), state: down, says: /not compressed/ },
  {
    key: "gzip-cut",
    portal: html,
    start: http(liesAboutGzip(gzipSync(PAGE).subarray(0, 40))),
    state: down,
    says: /cut short/,
  },
  {
    key: "gzip-bomb",
    portal: html,
    start: http(bombs(1_600_000_000)),
    state: other,
    says: /larger than 8388608 bytes/,
  },
  {
    key: "redirects-away",
    portal: html,
    start: http(redirectsTo("http://files.example.org/")),
    state: down,
    says: /host files\.example\.org is not one of its hosts/,
  },
  {
    key: "redirects-inside",
    portal: html,
    start: http(redirectsTo("http://169.254.169.254/latest/meta-data/")),
    state: down,
    says: /169\.254\.169\.254 is not one of its hosts/,
  },
  { key: "redirects-in-a-loop", portal: html, start: http(redirectsTo("/")), state: down, says: /more than 5 times/ },
  {
    key: "huge-html",
    portal: html,
    start: http(floods("<html><body><table>", "<tr><td>x</td><td>maintenance</td></tr>", 500_000_000)),
    state: other,
    says: /larger than 8388608 bytes/,
  },
  {
    key: "deep-html",
    portal: html,
    start: http(answers(`<table>${"<div>".repeat(200_000)}`)),
    state: other,
    says: /nested more than/,
  },
  {
    key: "endless-json",
    portal: "meshnat-yosef-worker",
    start: http(floods("[", `{"name":"x","url":"y"},`, Number.POSITIVE_INFINITY)),
    state: other,
    says: /larger than 8388608 bytes/,
  },
  { key: "login-page", portal: html, start: http(answers(LOGIN_PAGE)), state: other, says: /asks for a login/ },
  {
    key: "login-for-json",
    portal: "meshnat-yosef-worker",
    start: http(answers(LOGIN_PAGE)),
    state: other,
    says: /a JSON array/,
  },
  {
    key: "pasv-private",
    portal: "cerberus",
    start: ftp({ epsv: null, pasv: "227 Entering Passive Mode (10,0,0,7,200,10)" }),
    state: down,
    says: /names 10\.0\.0\.7 for its data/,
  },
  {
    key: "epsv-address",
    portal: "cerberus",
    start: ftp({
      epsv: "229 Entering Extended Passive Mode (|1|10.0.0.7|2121|)",
      pasv: "227 Entering Passive Mode (169,254,169,254,0,80)",
    }),
    state: down,
    says: /names 169\.254\.169\.254 for its data/,
  },
  {
    key: "epsv-ipv6",
    portal: "cerberus",
    start: ftp({ epsv: "229 Entering Extended Passive Mode (|2|fd00::7|2121|)", pasv: null }),
    state: down,
    says: /FTP command failed \(status 502\)/,
  },
  {
    key: "epsv-port",
    portal: "cerberus",
    start: ftp({ epsv: "229 Entering Extended Passive Mode (|||99999|)" }),
    state: down,
    says: /EPSV names port 99999/,
  },
  {
    key: "ftp-endless",
    portal: "cerberus",
    start: ftp({ listing: "endless" }),
    state: other,
    says: /a listing is larger than 8388608 bytes/,
  },
  {
    key: "ftp-drips",
    portal: "cerberus",
    start: ftp({ listing: { dripMs: 200 } }),
    state: down,
    says: /sent only \d+ bytes/,
  },
  {
    key: "ftp-greets-slowly",
    portal: "cerberus",
    start: ftp({ greeting: { dripMs: 200 } }),
    state: down,
    says: /did not let us log in within \d+ ms/,
  },
  {
    key: "ftp-silent",
    portal: "cerberus",
    start: ftp({ greeting: "silent" }),
    state: down,
    says: /timed out|sent nothing/,
  },
  {
    key: "ftp-greets-for-ever",
    portal: "cerberus",
    start: ftp({ greeting: "endless" }),
    state: down,
    says: /answers without end/,
  },
];

/** Files of one more portal whose listing is good: what each of them does when it is fetched, and how it must end. */
const FILES: Record<string, { hostility: Hostility; status: string; says: RegExp }> = {
  "001": { hostility: drips(MS_PER_BYTE), status: "failed", says: /sent (nothing|only \d bytes?) for/ },
  "002": { hostility: sendsLess(Buffer.alloc(5000, "x")), status: "failed", says: /cut|came short/ },
  "003": { hostility: redirectsTo("http://10.0.0.1/x.gz"), status: "quarantined", says: /10\.0\.0\.1 is not one of/ },
  "004": { hostility: redirectsTo("http://files.example.org/"), status: "quarantined", says: /files\.example\.org/ },
  "005": { hostility: answers(LOGIN_PAGE), status: "quarantined", says: /HTML/i },
  "006": { hostility: floods("", "x", Number.POSITIVE_INFINITY), status: "quarantined", says: /larger than/ },
};
const FILE_CHAIN = "hostile-files";
const fileNameOf = (store: string) => `PriceFull7290000000916-${store}-${STAMP}0010.gz`;

describe("hostile portals side by side with a good one, each", () => {
  let database: TestDatabase;
  let pipeline: Pipeline;
  let result: CommandResult;
  let rows: Map<string, { state: string; detail: string | null; finished_at: Date }>;
  const good = FIXTURE_CHAINS.alon;

  beforeAll(async () => {
    const chains: Record<string, ChainOverride> = {};
    for (const [index, one] of CASES.entries()) {
      chains[one.key] = overrideOf(one, await one.start(), `72900000${String(10_000 + index)}`);
    }
    const files = await startHostileHttp({
      "/": answers(tablePage(Object.keys(FILES).map(fileNameOf))),
      ...Object.fromEntries(
        Object.entries(FILES).map(([store, { hostility }]) => [`/prices/${fileNameOf(store)}`, hostility]),
      ),
    });
    chains[FILE_CHAIN] = overrideFor(chainOf(FILE_CHAIN, "7290000000916"), html, files.url);
    const portal = await startGoodPortal();
    closers.push(
      () => files.close(),
      () => portal.close(),
    );
    database = await createTestDatabase();
    pipeline = await createPipeline({
      embedded: true,
      chains: { ...chains, ...portal.chainOverrides() },
      env: {
        DATABASE_URL: database.url,
        // Everything side by side, with short limits and few tries, so that the test takes seconds and not minutes.
        GOGOBE_CRAWL_CONCURRENCY: "40",
        GOGOBE_PORTAL_SECONDS: "6",
        GOGOBE_RETRY_ATTEMPTS: "2",
        GOGOBE_MAX_FILE_BYTES: "20MB",
      },
    });
    const keys = [...CASES.map(({ key }) => key), FILE_CHAIN, good.key];
    result = await pipeline.gogobe(["run", "--once", "--chains", keys.join(","), "--since", TODAY]);
    const listings = await database.pool.query<{ chain: string; state: string; detail: string; finished_at: Date }>(
      "SELECT chain, state, detail, finished_at FROM chain_listings",
    );
    rows = new Map(listings.rows.map(({ chain, ...row }) => [chain, row]));
    const megabytes = Math.round(result.peakMemoryBytes / 1e6);
    console.log(`hostile portals: peak ${megabytes} MB over ${keys.length} portals at once`);
  }, 300_000);
  afterAll(async () => {
    await pipeline?.close();
    for (const close of closers.splice(0)) await close();
    await database?.drop();
  });

  test.each(CASES.map(({ key, state, says }) => [key, state, says] as const))(
    "%s: is %s, and says why",
    (key, state, says) => {
      expect(rows.get(key)).toMatchObject({ state, detail: expect.stringMatching(says) });
    },
  );

  test.each(Object.entries(FILES).map(([store, { status, says }]) => [store, status, says] as const))(
    "file of store %s ends %s, with its reason",
    async (store, status, says) => {
      const { rows: files } = await database.pool.query<{ status: string; error: string | null }>(
        "SELECT status, error FROM files WHERE file_name = $1",
        [fileNameOf(store)],
      );
      expect(files).toEqual([{ status, error: expect.stringMatching(says) }]);
    },
  );

  test("the good one beside them is listed and loaded whole, before the slow ones are given up", async () => {
    expect(result.code, result.stderr).toBe(0);
    expect(rows.get(good.key)).toMatchObject({ state: "found", detail: null });
    const { rows: files } = await database.pool.query("SELECT status, complete FROM files WHERE chain = $1", [
      good.key,
    ]);
    expect(files).toEqual([1, 2, 3].map(() => ({ status: "loaded", complete: true })));
    const endOf = (key: string) => rows.get(key)?.finished_at.getTime() ?? Number.NaN;
    for (const slow of ["hangs", "drips", "ftp-drips"]) expect(endOf(good.key)).toBeLessThan(endOf(slow));
  });

  test("needs less than 300 MB for all of them together", () => {
    expect(result.peakMemoryBytes).toBeGreaterThan(0);
    expect(result.peakMemoryBytes).toBeLessThan(MAX_MEMORY_BYTES);
  });

  async function startGoodPortal() {
    const catalogue = createCatalogue("hostile", 100);
    const list = createStoresList(good, TODAY, "hostile", 3);
    const files = [0, 1, 2].map((index) => {
      const store = fixtureStore(list, index);
      const day = createStoreDay(catalogue, { chain: good, store, day: TODAY, share: 0.8, seed: "hostile" });
      const { fileName, bytes } = renderPriceFile(day, { dialect: "std-root", time: "00:10" });
      return { name: fileName, content: bytes, publishedAt: new Date(), account: good.key };
    });
    const account = { chain: chainOf(good.key, good.chainId), username: "good" };
    return startCerberus(files, { accounts: [account] });
  }
});

function chainOf(key: string, chainId: string): PortalChain {
  return { key, nameEn: key, nameHe: key, chainIds: [chainId] };
}

function overrideOf({ key, portal }: Case, url: string, chainId: string): ChainOverride {
  const account = { username: "user", password: "", path: "/", rejectUnauthorized: false };
  const entry = overrideFor(chainOf(key, chainId), portal, url, portal === "cerberus" ? { ftp: account } : {});
  return { ...entry, hosts: [new URL(url).hostname, LOOPBACK] };
}
