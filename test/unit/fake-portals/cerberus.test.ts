import { Readable, Writable } from "node:stream";
import { Client } from "basic-ftp";
import { afterEach, describe, expect, test } from "vitest";
import { type CerberusOptions, startCerberus } from "../../fake-portals/cerberus.ts";
import type { FakePortal } from "../../fake-portals/fake-portal.ts";
import { bytesOf, sampleFile, sampleStores } from "./sample-files.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const files = [
  ...sampleStores(3),
  sampleFile("Promo7299900000019-001-202601020800.gz"),
  sampleFile("Stores7299900000019-202601020005.xml"),
];

async function start(options: CerberusOptions = {}, published = files): Promise<FakePortal> {
  const portal = await startCerberus(published, options);
  cleanUps.push(() => portal.close());
  return portal;
}

async function connect(portal: FakePortal, account = { user: "RamiLevi", password: "" }): Promise<Client> {
  const client = new Client(2000);
  cleanUps.push(() => client.close());
  const { port } = new URL(portal.url);
  const secureOptions = { rejectUnauthorized: false };
  await client.access({ host: "127.0.0.1", port: Number(port), secure: true, secureOptions, ...account });
  return client;
}

async function fetchFile(client: Client, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await client.downloadTo(sink, name);
  return Buffer.concat(chunks);
}

describe("the FTP portal", () => {
  test("lists one flat directory over TLS and serves the files byte for byte", async () => {
    const portal = await start();
    const client = await connect(portal);
    const listing = await client.list();
    expect(listing.filter((entry) => entry.isFile).map((entry) => [entry.name, entry.size])).toEqual(
      files.map((file) => [file.name, 300]),
    );
    expect(listing.filter((entry) => entry.isDirectory).map((entry) => entry.name)).toEqual(["archive"]);
    expect(listing.some((entry) => entry.modifiedAt !== undefined)).toBe(true);
    expect(await fetchFile(client, files[0]?.name ?? "")).toEqual(bytesOf(files[0]));
    expect(portal.served()).toEqual([files[0]?.name]);
    const commands = portal.requests.map((request) => request.method);
    expect(commands).toEqual(expect.arrayContaining(["AUTH", "PASS", "MLSD", "RETR"]));
    expect(portal.requests.find((request) => request.method === "PASS")?.path).toBe("***");
  });

  test("shows each account its own files in its own directory, and knows passwords", async () => {
    const chain = (key: string) => ({ key, nameEn: key, nameHe: key, chainIds: ["1"] });
    const portal = await start(
      {
        accounts: [
          { chain: chain("one"), username: "one" },
          { chain: chain("two"), username: "two", password: "secret", path: "/Two" },
        ],
      },
      [sampleFile("Price1-1-202601020800.gz"), { ...sampleFile("Price2-1-202601020800.gz"), account: "two" }],
    );
    const first = await connect(portal, { user: "one", password: "" });
    expect((await first.list()).filter((entry) => entry.isFile).map((entry) => entry.name)).toEqual([
      "Price1-1-202601020800.gz",
    ]);
    await expect(connect(portal, { user: "two", password: "wrong" })).rejects.toThrow(/530/);
    const second = await connect(portal, { user: "two", password: "secret" });
    await second.cd("/Two");
    expect((await second.list()).filter((entry) => entry.isFile).map((entry) => entry.name)).toEqual([
      "Price2-1-202601020800.gz",
    ]);
    expect(portal.chainOverrides()["two"]).toMatchObject({
      portal: "cerberus",
      baseUrl: portal.url,
      allowPrivateHosts: ["127.0.0.1"],
      ftp: { username: "two", password: "secret", path: "/Two", rejectUnauthorized: false },
    });
  });

  test.each(["refused", "unlisted"] as const)("whose MLSD is %s still lists with LIST and NLST", async (mlsd) => {
    const client = await connect(await start({ mlsd }));
    const listing = await client.list();
    expect(listing.filter((entry) => entry.isFile).map((entry) => entry.name)).toEqual(files.map((file) => file.name));
    expect(await client.size(files[0]?.name ?? "")).toBe(300);
  });

  test("refuses every login when told to", async () => {
    await expect(connect(await start({ refusesLogin: true }))).rejects.toThrow(/530/);
  });

  test("lists a file that is gone when it is fetched", async () => {
    const gone = files[1]?.name ?? "";
    const client = await connect(await start({ vanished: [gone] }));
    expect((await client.list()).map((entry) => entry.name)).toContain(gone);
    await expect(fetchFile(client, gone)).rejects.toThrow(/550/);
  });

  test("breaks the connection in the middle of a file, once", async () => {
    const portal = await start({}, [sampleFile("Price1-1-202601020800.gz", undefined, 500_000)]);
    portal.addFault({ kind: "truncate", afterBytes: 1000, times: 1, on: /Price1/ });
    const client = await connect(portal);
    await expect(fetchFile(client, "Price1-1-202601020800.gz")).rejects.toThrow(/FIN|closed|reset|426/i);
    expect(portal.served()).toEqual([]);
    expect(await fetchFile(await connect(portal), "Price1-1-202601020800.gz")).toHaveLength(500_000);
  });

  test("can send less than it listed and call it complete", async () => {
    const portal = await start();
    portal.addFault({ kind: "short", bytes: 120, times: 1 });
    const client = await connect(portal);
    expect(await fetchFile(client, files[0]?.name ?? "")).toEqual(bytesOf(files[0]).subarray(0, 120));
    expect(await fetchFile(client, files[0]?.name ?? "")).toHaveLength(300);
  });

  test("names an address inside a private network for its data when told to", async () => {
    const portal = await start({ passiveAddress: "10.0.0.1" });
    const client = await connect(portal);
    await expect(client.list()).rejects.toThrow(/10\.0\.0\.1/);
    expect(portal.requests.map((request) => `${request.method} ${request.status}`)).toEqual(
      expect.arrayContaining(["EPSV 502", "PASV 227"]),
    );
  });

  test("writes names in one case when told to, and serves them under it", async () => {
    const client = await connect(await start({ nameCase: "lower" }));
    const name = files[0]?.name.toLowerCase() ?? "";
    expect((await client.list()).map((entry) => entry.name)).toContain(name);
    expect(await fetchFile(client, name)).toEqual(bytesOf(files[0]));
  });

  test("can be slow, busy and down, and come back on the same port", async () => {
    const portal = await start();
    portal.addFault({ kind: "slow", msPerChunk: 5, chunkBytes: 100, times: 1, on: /PriceFull/ });
    portal.addFault({ kind: "status", status: 450, times: 1, on: /Promo/ });
    const client = await connect(portal);
    expect(await fetchFile(client, files[0]?.name ?? "")).toHaveLength(300);
    await expect(fetchFile(client, files[3]?.name ?? "")).rejects.toThrow(/450/);
    await portal.goDown();
    await expect(connect(portal)).rejects.toThrow(/ECONNREFUSED/);
    await portal.comeBack();
    expect(await fetchFile(await connect(portal), files[3]?.name ?? "")).toEqual(bytesOf(files[3]));
  });

  test("measures how many transfers run at one time", async () => {
    const portal = await start();
    portal.addFault({ kind: "slow", msPerChunk: 20, chunkBytes: 50 });
    const clients = await Promise.all([connect(portal), connect(portal), connect(portal)]);
    await Promise.all(clients.map((client, index) => fetchFile(client, files[index]?.name ?? "")));
    expect(portal.peakParallel()).toBe(3);
    expect(portal.peakConnections()).toBe(3);
  });

  test("streams content that is made on the fly and lists its size", async () => {
    const content = () => Readable.from([Buffer.alloc(70_000, "a"), Buffer.alloc(70_000, "b")]);
    const client = await connect(
      await start({}, [{ name: "Price1-1-202601020800.gz", content, sizeBytes: 140_000, publishedAt: new Date() }]),
    );
    expect((await client.list())[0]?.size).toBe(140_000);
    expect(await fetchFile(client, "Price1-1-202601020800.gz")).toHaveLength(140_000);
  });

  test("lists five thousand files in one directory", async () => {
    const client = await connect(await start({}, sampleStores(5000)));
    expect((await client.list()).filter((entry) => entry.isFile)).toHaveLength(5000);
  });

  test("leaves the signals of the process alone", async () => {
    const before = process.listenerCount("SIGTERM");
    await start();
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });
});
