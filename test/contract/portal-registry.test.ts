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
    if (!chain) throw new Error(`${noted.key} is not in the registry`);
    const { baseUrl, ftp, hosts, chainIdAliases, settings, statusDetail, ...entry } = chain;
    expect(entry).toMatchObject({
      nameEn: noted.nameEn,
      nameHe: noted.nameHe ?? "מגה",
      chainIds: noted.chainIds,
      portal: noted.portal,
      status: STATUS[noted.status],
      maxParallel: noted.maxParallel ?? 5,
      allowPrivateHosts: [],
    });
    expect([baseUrl, new URL(baseUrl).hostname]).toEqual([addressOf(noted), noted.host]);
    expect(ftp).toEqual(accountOf(noted));
    expect(hosts).toEqual(expect.arrayContaining([...(noted.altHosts ?? []), noted.downloadHost ?? []].flat()));
    expect(chainIdAliases?.map(bareId)).toEqual([...new Set(noted.altChainIds?.map(bareId))]);
    expect([settings["historyDays"], settings["hebrewName"]]).toEqual([
      noted.historyDays,
      noted.matrix?.chainHebrewFilter,
    ]);
    expect(statusDetail ?? "").toMatch(noted.status === "active" ? /.*/ : /\w/);
  });
});

/** The stability rules of the field notes: until when an empty listing of a chain is nothing to worry about, and when. */
test("the registry excuses empty listings as the field notes do, and no others", () => {
  const excuses = loadChains({ chainsFile: null })
    .all()
    .flatMap(({ key, mayBeEmpty = [] }) =>
      mayBeEmpty.map(({ when, until }) => `${key} ${when} ${until ?? "for ever"}`),
    );
  expect(excuses.toSorted()).toEqual([
    "city-market-kiryat-gat always 2027-03-01",
    "cofix single-store 2027-05-01",
    "cofix without-stores 2027-05-01",
    "meshnat-yosef-1 only-promotions 2027-01-01",
    "netiv-hesed saturday 2027-01-01",
    "quik always 2027-05-01",
    "super-yuda only-stores 2027-01-01",
    "victory-legacy always for ever",
  ]);
});

/** The notes write an FTP address with its folder and without its port; the folder is part of the account here. */
function addressOf({ ftp, baseUrl }: Noted): string {
  return ftp ? `ftp://${ftp.host}:${ftp.port}/` : new URL(baseUrl).href;
}

function accountOf({ ftp }: Noted) {
  if (!ftp) return null;
  const { username, password, path } = ftp;
  // Its certificate does not name the host that the chains use.
  return { username, password, path, rejectUnauthorized: false };
}
