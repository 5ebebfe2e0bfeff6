import type { Chain } from "../shared/contracts/chain.ts";
import type { CircuitName } from "../shared/net/circuit-breaker.ts";
import type { OpenCircuit } from "../shared/net/host-circuits-table.ts";
import { hostsOf } from "../shared/net/host-policy.ts";

/** How the hosts of a chain stand: as bad as the worst of them. */
export interface ChainCircuit {
  state: CircuitName;
  /** When the worst host is tried again; null while all is well. */
  retryAt: Date | null;
  /** The hosts that are not closed. */
  hosts: OpenCircuit[];
}

/** The circuits that a chain's requests meet: the host of its listing, port included, and every other host that it may fetch from. */
export function circuitOf(chain: Pick<Chain, "baseUrl" | "hosts">, circuits: readonly OpenCircuit[]): ChainCircuit {
  const listing = new URL(chain.baseUrl);
  const others = hostsOf(chain).filter((host) => host !== listing.hostname);
  const hosts = circuits.filter(({ host }) => host === listing.host || others.includes(host.replace(/:\d+$/, "")));
  const worst = hosts.find(({ state }) => state === "open") ?? hosts[0];
  return { state: worst?.state ?? "closed", retryAt: worst?.retryAt ?? null, hosts };
}

/** `closed`, `half-open`, `open until 2026-08-14T10:00:00.000Z`. */
export function circuitText({ state, retryAt }: ChainCircuit): string {
  return state === "open" && retryAt !== null ? `open until ${retryAt.toISOString()}` : state;
}
