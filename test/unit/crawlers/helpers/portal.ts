import type { Chain } from "../../../../shared/contracts/chain.ts";
import type {
  ListedFile,
  ListingFilter,
  PortalContext,
  PortalFamily,
  RemoteFile,
} from "../../../../shared/contracts/portal-family.ts";

export function chainOn(portal: string, overrides: Partial<Chain> = {}): Chain {
  return {
    key: "invented",
    nameEn: "Invented",
    nameHe: "מומצא",
    chainIds: ["7290000000001"],
    portal,
    status: "active",
    baseUrl: "http://portal.test/",
    hosts: [],
    allowPrivateHosts: [],
    maxParallel: 3,
    intervalSeconds: 3600,
    proxy: null,
    ftp: null,
    settings: {},
    ...overrides,
  };
}

/** 14:00 in Israel, a Friday morning everywhere that matters: 2026-01-02. */
export const NOON_OF_THE_EXAMPLES = new Date("2026-01-02T10:00:00Z");

/** A portal answered from a table of address → body; `requests` is what was asked, in order. */
export function portalAnswering(
  chain: Chain,
  answers: Record<string, string> | ((url: string) => string | undefined),
  options: { files?: RemoteFile[]; now?: Date } = {},
): PortalContext & { requests: string[]; mostAtOnce: () => number } {
  const requests: string[] = [];
  let atOnce = 0;
  let most = 0;
  const answer = typeof answers === "function" ? answers : (url: string) => answers[url];
  return {
    chain,
    requests,
    mostAtOnce: () => most,
    http: {
      async text(url) {
        requests.push(url);
        most = Math.max(most, ++atOnce);
        await new Promise(setImmediate);
        atOnce--;
        const body = answer(url);
        if (body === undefined) throw new Error(`the test portal has no page ${url}`);
        return body;
      },
    },
    ftp: {
      async list(path) {
        requests.push(path);
        return options.files ?? [];
      },
    },
    signal: new AbortController().signal,
    now: () => options.now ?? NOON_OF_THE_EXAMPLES,
  };
}

export async function listAll(
  family: PortalFamily,
  context: PortalContext,
  filter: ListingFilter = {},
): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for await (const page of family.list(context, filter)) files.push(...page);
  return files;
}
