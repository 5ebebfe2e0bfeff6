import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeadLetter, PartitionLag } from "../../shared/bus/bus.ts";
import { messageKeyOf } from "../../shared/contracts/file-identity.ts";
import { TOPICS, type Topic } from "../../shared/contracts/topics.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { startPublishprice } from "../fake-portals/publishprice.ts";
import { createDemo, type DemoChain } from "../fixtures/demo.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";
import { identityOf } from "../integration/writer/messages.ts";
import { createWorld, type World } from "./world.ts";

/** What must be said of a message that nothing can be done with. */
interface Poison {
  what: string;
  topic: Topic;
  value: string;
  stage: "download" | "parser" | "writer";
  class: RegExp;
  says: RegExp;
}

interface LedgerRow {
  file_name: string;
  status: string;
  error: string | null;
}

const engines = findFleetEngines();

describe.skipIf(engines === null)(
  `poisoned messages among good ones${engines === null ? ` (${NO_ENGINES})` : ""}`,
  () => {
    let world: World;
    let portals: FakePortal[];
    let known: DemoChain;
    /** Crawled, but the downloader has never heard of it. */
    let unknown: DemoChain;
    /** Listed under a host that the registry does not name. */
    let moved: PortalFile;
    let poisons: Poison[];
    const good = () => known.files.filter((file) => file !== moved);

    beforeAll(async () => {
      const demo = createDemo({ seed: "poison", products: 30 });
      [known, unknown] = demo.chains as [DemoChain, DemoChain];
      moved = known.files.find(({ name }) => name.startsWith("PriceFull")) as PortalFile;
      portals = [await portalOf(known, good()), await portalOf(unknown, unknown.files)];
      world = await createWorld({ chains: portals[0]?.chainOverrides() ?? {} });
      poisons = poisonsFor(known, moved, { portal: portals[0]?.url ?? "", bucket: world.env["S3_BUCKET"] ?? "" });
      // With the keys of good files, so that they stand in line with them.
      const keys = [...new Set(good().map(({ name }) => messageKeyOf(identityOf(name, known.chain.key))))];
      for (const [index, { topic, value }] of poisons.entries()) {
        await world.publishRaw(topic, { key: keys[index % keys.length] ?? "", value });
      }
      await world.setChains(allChains());
      const crawl = ["crawl", "--once", "--wait", "--chains", `${known.chain.key},${unknown.chain.key}`];
      await world.must([...crawl, "--since", demo.days[0]]);
    });
    afterAll(async () => {
      await world?.close();
      await Promise.all(portals.map((portal) => portal.close()));
    });

    const allChains = () => Object.assign({}, ...portals.map((portal) => portal.chainOverrides())) as object;
    const ledger = async (chain: string) =>
      world.query<LedgerRow>(`SELECT file_name, status, error FROM files WHERE chain = '${chain}' ORDER BY file_name`);
    const letters = async () => world.json<{ id: string; topic: string; error: string }[]>(["dlq", "list"]);
    const lag = async () =>
      (await world.json<PartitionLag[]>(["lag"])).reduce((sum, partition) => sum + partition.lag, 0);

    test("keep no good file from being loaded, and every group comes to the end of its topics", async () => {
      const rows = await ledger(known.chain.key);
      expect(rows.map((row) => [row.file_name, row.status, row.error])).toEqual(
        good()
          .map(({ name }) => [name, "loaded", null])
          .toSorted(([left], [right]) => ((left ?? "") < (right ?? "") ? -1 : 1)),
      );
      await expect.poll(lag, { timeout: 30_000, interval: 500 }).toBe(0);
    });

    test("end in the dead-letter topic of their own, each with its reason, stage, attempts and times", async () => {
      const listed = await letters();
      expect(listed).toHaveLength(poisons.length + unknown.files.length);
      expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length);
      const shown: DeadLetter[] = [];
      for (const { id, error } of listed) {
        if (error.includes(`"${unknown.chain.key}"`)) continue;
        shown.push(JSON.parse(await world.must(["dlq", "show", id])) as DeadLetter);
      }
      for (const poison of poisons) {
        const letter = shown.find((each) => each.topic === poison.topic && sameValue(each.value, poison.value));
        expect(letter?.headers, poison.what).toMatchObject({
          "error-class": expect.stringMatching(poison.class) as string,
          "error-message": expect.stringMatching(poison.says) as string,
          stage: poison.stage,
          attempts: "1",
          "first-failure": expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
          "last-failure": expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
        });
      }
    });

    test("are told of in the ledger where it knows the file, and make no file of their own", async () => {
      const rows = await ledger(unknown.chain.key);
      expect(rows).toHaveLength(unknown.files.length);
      for (const row of rows) {
        expect(row).toMatchObject({ status: "quarantined", error: expect.stringMatching(/not in the chain registry/) });
      }
      const [count] = await world.query("SELECT count(*)::int AS files FROM files");
      expect(count).toEqual({ files: good().length + unknown.files.length });
    });

    test("are loaded by dlq replay once their cause is gone; those that nothing can mend come back", async () => {
      // The registry learns of the chain and of the host.
      const chains = allChains() as Record<string, { hosts: string[]; allowPrivateHosts: string[] }>;
      const hosts = ["127.0.0.1", "localhost"];
      chains[known.chain.key] = { ...chains[known.chain.key], hosts, allowPrivateHosts: hosts };
      await world.setChains(chains);
      portals[0]?.setFiles(known.files);
      await Promise.all(world.members("download").map((member) => member.stop()));
      await world.start("download");

      const before = await letters();
      const [first] = before.filter(({ error }) => /localhost/.test(error));
      expect(await world.must(["dlq", "replay", first?.id ?? ""])).toBe("1 message published again\n");
      const ofTopic = before.filter(({ topic }) => topic === TOPICS.discovered).length;
      expect(await world.must(["dlq", "replay", "--all", "--topic", TOPICS.discovered])).toBe(
        `${ofTopic - 1} messages published again\n`,
      );
      const wanted = [...known.files, ...unknown.files].length;
      const loaded = async () => {
        const [row] = await world.query<{ count: number }>(
          "SELECT count(*)::int AS count FROM files WHERE status = 'loaded' AND error IS NULL",
        );
        return row?.count;
      };
      await expect.poll(loaded, { timeout: 60_000, interval: 500 }).toBe(wanted);
      await expect.poll(lag, { timeout: 30_000, interval: 500 }).toBe(0);
      const mended = 1 + unknown.files.length;
      expect(await letters()).toHaveLength(before.length - mended);
      expect(await world.gogobe(["dlq", "show", first?.id ?? ""])).toMatchObject({ code: 2 });
    });
  },
);

async function portalOf({ chain }: DemoChain, files: readonly PortalFile[]): Promise<FakePortal> {
  const { key, nameEn, nameHe, chainId } = chain;
  return startPublishprice(files, { chain: { key, nameEn, nameHe, chainIds: [chainId] } });
}

/** One of every kind and topic. `moved` is a file of the chain that no crawler has listed. */
function poisonsFor(
  { chain, files }: DemoChain,
  moved: PortalFile,
  { portal, bucket }: { portal: string; bucket: string },
): Poison[] {
  const identity = { ...identityOf(moved.name, chain.key), portal: "publishprice" };
  const day = identity.publishedAt.slice(0, 10);
  const discovered = {
    ...identity,
    url: new URL(`${day.replaceAll("-", "")}/${moved.name}`, portal).href,
    timestamp: identity.publishedAt,
  };
  const downloaded = {
    ...identity,
    s3_path: `s3://${bucket}/${chain.key}/${day}/${moved.name}`,
    sha256: "0".repeat(64),
    sizeBytes: 10,
    contentType: "application/gzip",
    etag: "e",
    downloadedAt: identity.publishedAt,
    sourceUrl: "",
  };
  // Carries the id of a file that is loaded: that one must stay as it is.
  const batch = { ...identityOf(files[0] === moved ? (files[1]?.name ?? "") : (files[0]?.name ?? ""), chain.key) };
  const make = (what: string, topic: Topic, value: unknown, kind: RegExp, says: RegExp): Poison => ({
    what,
    topic,
    value: typeof value === "string" ? value : JSON.stringify(value),
    stage: topic === TOPICS.discovered ? "download" : topic === TOPICS.downloaded ? "parser" : "writer",
    class: kind,
    says,
  });
  const [permanent, invalid] = [/^PermanentError$/, /^InvalidMessageError$/];
  const everywhere = Object.values(TOPICS).map((topic) =>
    make("not JSON", topic, `{"fileId": ${topic}`, permanent, /is not JSON/),
  );
  return [
    ...everywhere,
    make("no link", TOPICS.discovered, identity, invalid, /not a discovered-file message: .*url/),
    make(
      "an unknown chain",
      TOPICS.discovered,
      { ...discovered, chain: "atlantis" },
      permanent,
      /"atlantis" is not in/,
    ),
    make(
      "a host outside the registry",
      TOPICS.discovered,
      { ...discovered, url: discovered.url.replace("127.0.0.1", "localhost") },
      /^HostNotAllowedError$/,
      /host localhost is not one of its hosts/,
    ),
    make(
      "a file name that is a way out",
      TOPICS.discovered,
      { ...discovered, fileName: `../../${moved.name}` },
      permanent,
      /is refused: not safe as a path/,
    ),
    make("another schema version", TOPICS.downloaded, { ...downloaded, schemaVersion: 99 }, invalid, /schemaVersion/),
    make(
      "a key with ../",
      TOPICS.downloaded,
      { ...downloaded, s3_path: `s3://${bucket}/${chain.key}/../../${moved.name}` },
      permanent,
      /could point outside its bucket/,
    ),
    make(
      "a local_path outside the cache",
      TOPICS.downloaded,
      { ...downloaded, local_path: "/etc/passwd" },
      permanent,
      /local_path "\/etc\/passwd" .* lies outside the cache/,
    ),
    make("no batch of products", TOPICS.products, { ...batch, items: [] }, invalid, /not a batch/),
    make("a list", TOPICS.promotions, [batch], invalid, /not /),
    make("no batch of stores", TOPICS.stores, { ...batch, fileType: "stores", items: "none" }, invalid, /not a batch/),
  ];
}

/** `dlq show` prints what is not JSON as text. */
function sameValue(value: unknown, published: string): boolean {
  return value === published || JSON.stringify(value) === published;
}
