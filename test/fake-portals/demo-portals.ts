import { israelDay } from "../../shared/israel-time.ts";
import type { Demo, DemoChain } from "../fixtures/demo.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { startCerberus } from "./cerberus.ts";
import type { ChainOverride, FakePortal, PortalChain } from "./fake-portal.ts";
import { startShufersal } from "./shufersal.ts";

/** The portals of the demo's chains: one FTP portal for all chains of that kind, one HTML portal per chain of the other. */
export interface DemoPortals {
  portals: readonly FakePortal[];
  /** What GOGOBE_CHAINS_FILE holds to point the crawlers here. */
  chainOverrides(): Record<string, ChainOverride>;
  keys: readonly string[];
  /** Publishes the demo's files up to a day `yyyy-mm-dd`: portals keep what they published before. */
  publishUntil(day: string): void;
  publish(files: readonly PortalFile[]): void;
  /** How many files were served whole so far, over all portals. */
  servedCount(): number;
  close(): Promise<void>;
}

export async function startDemoPortals(demo: Pick<Demo, "chains">): Promise<DemoPortals> {
  const of = (portal: DemoChain["portal"]) => demo.chains.filter((chain) => chain.portal === portal);
  const accounts = of("cerberus").map((chain) => ({ chain: portalChain(chain), username: chain.chain.key }));
  const portals: FakePortal[] = accounts.length > 0 ? [await startCerberus([], { accounts })] : [];
  for (const chain of of("shufersal")) portals.push(await startShufersal([], { chain: portalChain(chain) }));
  const publish = (files: readonly PortalFile[]) => {
    for (const portal of portals) {
      const overrides = portal.chainOverrides();
      portal.setFiles(files.filter((file) => file.account !== undefined && file.account in overrides));
    }
  };
  return {
    portals,
    keys: demo.chains.map(({ chain }) => chain.key),
    chainOverrides: () => Object.assign({}, ...portals.map((portal) => portal.chainOverrides())),
    publish,
    publishUntil: (day) =>
      publish(demo.chains.flatMap(({ files }) => files).filter((file) => israelDay(file.publishedAt) <= day)),
    servedCount: () => portals.reduce((sum, portal) => sum + portal.served().length, 0),
    close: async () => {
      await Promise.all(portals.map((portal) => portal.close()));
    },
  };
}

function portalChain({ chain }: DemoChain): PortalChain {
  return { key: chain.key, nameEn: chain.nameEn, nameHe: chain.nameHe, chainIds: [chain.chainId] };
}
