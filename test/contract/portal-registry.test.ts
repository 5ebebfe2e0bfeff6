import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadChains } from "../../crawlers/chains.ts";
import { HANDED_OVER, whyWithout } from "../helpers/handed-over.ts";

const FIELD_NOTES = "domain/chains.json";
const without = whyWithout(FIELD_NOTES);

/** What the field notes say of a chain, as far as the registry holds it. */
interface Noted {
  key: string;
  nameEn: string;
  nameHe: string | null;
  chainIds: string[];
  portal: string;
  status: string;
  host: string;
  baseUrl: string;
  altHosts?: string[];
  downloadHost?: string;
  altChainIds?: string[];
  maxParallel?: number;
  historyDays?: number;
  ftp?: { host: string; port: number; username: string; password: string; path: string };
  matrix?: { chainHebrewFilter: string };
}

/** A site that comes and goes is unstable; one that another replaced is known and off. */
const STATUS: Record<string, string> = {
  active: "active",
  unstable: "unstable",
  flaky: "unstable",
  partial: "unstable",
  down: "unstable",
  retired: "retired",
  superseded: "retired",
};

const bareId = (id: string) => id.replace(/^0+/, "");

describe.skipIf(without !== null)(`the registry and the field notes ${without ?? ""}`, () => {
  const notes = without === null ? (JSON.parse(readFileSync(join(HANDED_OVER, FIELD_NOTES), "utf8")) as Noted[]) : [];
  const registry = loadChains({ chainsFile: null });

  test("name the same 41 chains", () => {
    expect(notes).toHaveLength(41);
    expect(registry.all().map(({ key }) => key)).toEqual(notes.map(({ key }) => key));
  });

  test.each(notes)("agree on ids, status, portal, account, hosts and limits of $key", (noted) => {
    const chain = registry.byKey(noted.key);
    const url = new URL(chain?.baseUrl ?? "none:");
    expect(chain).toMatchObject({
      nameEn: noted.nameEn,
      nameHe: noted.nameHe ?? expect.stringMatching(/\p{Script=Hebrew}/u),
      chainIds: noted.chainIds,
      portal: noted.portal,
      status: STATUS[noted.status],
      maxParallel: noted.maxParallel ?? 5,
      hosts: expect.arrayContaining([...(noted.altHosts ?? []), ...(noted.downloadHost ? [noted.downloadHost] : [])]),
      allowPrivateHosts: [],
    });
    expect(url.hostname).toBe(noted.host);
    expect(chain?.chainIdAliases?.map(bareId).toSorted()).toEqual(
      [...new Set(noted.altChainIds?.map(bareId))].toSorted(),
    );
    if (noted.ftp) {
      const { username, password, path, host, port } = noted.ftp;
      expect(chain?.ftp).toMatchObject({ username, password, path });
      expect([url.protocol, url.host]).toEqual(["ftp:", port === 21 ? host : `${host}:${port}`]);
    } else {
      expect(chain?.ftp).toBeNull();
      expect(url.href).toBe(new URL(noted.baseUrl).href);
    }
    if (noted.historyDays !== undefined) expect(chain?.settings["historyDays"]).toBe(noted.historyDays);
    if (noted.matrix) expect(chain?.settings["hebrewName"]).toBe(noted.matrix.chainHebrewFilter);
    if (noted.status !== "active") expect(chain?.statusDetail).toMatch(/\w/);
  });
});
