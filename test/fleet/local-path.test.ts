import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOPICS } from "../../shared/contracts/topics.ts";
import { parseObjectUri } from "../../shared/object-store/object-uri.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import { startPublishprice } from "../fake-portals/publishprice.ts";
import { createDemo, type DemoChain } from "../fixtures/demo.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { findFleetEngines, NO_ENGINES } from "../helpers/fleet-engines.ts";
import { createWorld, type World } from "./world.ts";

const engines = findFleetEngines();

describe.skipIf(engines === null)(`the downloader's local copy${engines === null ? ` (${NO_ENGINES})` : ""}`, () => {
  let world: World;
  let portal: FakePortal;
  let chain: DemoChain;
  let files: PortalFile[];
  let since: string;
  let s3: S3Client;

  beforeAll(async () => {
    const demo = createDemo({ seed: "local-path", products: 20 });
    since = demo.days[0];
    [chain] = demo.chains as [DemoChain];
    files = chain.files.filter(({ name }) => name.startsWith("PriceFull"));
    const { key, nameEn, nameHe, chainId } = chain.chain;
    portal = await startPublishprice([], { chain: { key, nameEn, nameHe, chainIds: [chainId] } });
    world = await createWorld({ chains: portal.chainOverrides(), members: ["download", "write"] });
    s3 = new S3Client({ endpoint: world.env["S3_ENDPOINT"] ?? "", region: "us-east-1", forcePathStyle: true });
  });
  afterAll(async () => {
    s3?.destroy();
    await world?.close();
    await portal.close();
  });

  const row = async ({ name }: PortalFile) => {
    const [found] = await world.query<{
      file_id: string;
      status: string;
      error: string | null;
      uri: string;
      rows: number;
    }>(`SELECT file_id, status, error, object_uri AS uri, rows_read AS rows FROM files WHERE file_name = '${name}'`);
    return found;
  };
  const status = async (file: PortalFile) => (await row(file))?.status;
  const WAIT = { timeout: 60_000, interval: 300 };
  /** One more file of the portal, downloaded while no parser runs. */
  const downloaded = async (file: PortalFile) => {
    portal.setFiles([file]);
    await world.must(["crawl", "--once", "--chains", chain.chain.key, "--since", since]);
    await expect.poll(() => status(file), WAIT).toBe("downloaded");
    return (await row(file)) ?? { file_id: "", uri: "" };
  };
  const placeOf = (uri: string) => {
    const { bucket, key } = parseObjectUri(uri);
    return { Bucket: bucket, Key: key };
  };
  const cached = (fileId: string) => join(world.home, "cache", "files", fileId);

  test("is what a parser with the same cache reads, so that it needs no object", async () => {
    const [file] = files as [PortalFile];
    const { file_id: id, uri } = await downloaded(file);
    expect(await readdir(join(world.home, "cache", "files"))).toEqual([id]);
    await s3.send(new DeleteObjectCommand(placeOf(uri)));
    const parser = await world.start("parse");
    await expect.poll(() => status(file), WAIT).toBe("loaded");
    await parser.stop();
  });

  test("counts for nothing when its bytes were changed", async () => {
    const [, file] = files as [PortalFile, PortalFile];
    const { file_id: id } = await downloaded(file);
    const forged = Buffer.from(file.content as Uint8Array);
    forged.fill(0, 20);
    await writeFile(cached(id), forged);
    const parser = await world.start("parse");
    await expect.poll(() => status(file), WAIT).toBe("loaded");
    expect((await row(file))?.rows).toBeGreaterThan(0);
    await parser.stop();
  });

  test("is nothing to a parser with another cache: without the object the file has failed, and dlq replay loads it once that is back", async () => {
    const [, , file] = files as [PortalFile, PortalFile, PortalFile];
    const { uri } = await downloaded(file);
    const { Body, Metadata } = await s3.send(new GetObjectCommand(placeOf(uri)));
    const bytes = await Body?.transformToByteArray();
    await s3.send(new DeleteObjectCommand(placeOf(uri)));
    const elsewhere = join(world.home, "elsewhere");
    await mkdir(elsewhere);
    const parser = await world.start("parse", { env: { GOGOBE_CACHE_DIR: elsewhere } });
    await expect.poll(() => status(file), WAIT).toBe("failed");
    expect((await row(file))?.error).toMatch(/there is no object s3:/);
    await s3.send(new PutObjectCommand({ ...placeOf(uri), Body: bytes, Metadata }));
    expect(await world.must(["dlq", "replay", "--all", "--topic", TOPICS.downloaded])).toBe(
      "1 message published again\n",
    );
    await expect.poll(() => status(file), WAIT).toBe("loaded");
    expect((await row(file))?.error).toBeNull();
    await parser.stop();
  });
});
