/** What a registry entry says of a chain; the same words as in the registry file. */
export interface Chain {
  /** Registry key, for example `shufersal`. */
  key: string;
  nameEn: string;
  nameHe: string;
  chainIds: string[];
  /** Portal family that lists and serves its files. */
  portal: string;
  status: "active" | "unstable" | "retired";
  /** Address of the listing, for example `https://prices.example.co.il/` or `ftp://host:21/`. */
  baseUrl: string;
  /** Every host that may be fetched for this chain, besides the one of `baseUrl`: download hosts, redirect targets. */
  hosts: string[];
  /** Hosts in private networks that may be fetched (test portals); everything else private is refused. */
  allowPrivateHosts: string[];
  /** Parallel requests to one host, over all processes. */
  maxParallel: number;
  /** Seconds between two listings of this chain. */
  intervalSeconds: number;
  /** `http://user:password@host:port` of a proxy for this chain; several portals answer only inside Israel. */
  proxy: string | null;
  ftp: { username: string; password: string; path: string; rejectUnauthorized: boolean } | null;
  /** Settings that only its portal family understands. */
  settings: Record<string, unknown>;
  /** Short or padded ids that file names of this chain carry instead of `chainIds[0]`. */
  chainIdAliases?: string[];
  /** When an empty listing is no reason to worry, besides nights and days of rest. */
  mayBeEmpty?: EmptyRule[];
  /** Why the status is what it is, or what a person should know who cannot reach the portal. */
  statusDetail?: string;
}

/** One excuse for an empty listing, good until the end of that Israel day (`yyyy-mm-dd`; absent: for ever). */
export interface EmptyRule {
  when: "always" | "saturday" | "only-stores" | "without-stores" | "only-promotions" | "single-store";
  until?: string;
}

/** The chain id that a published one stands for: aliases become the chain's first id, anything else stays as published. */
export function ownChainId(chain: Pick<Chain, "chainIds" | "chainIdAliases">, publishedId: string): string {
  const bare = publishedId.replace(/^0+(?=.)/, "");
  const isAlias = chain.chainIdAliases?.some((alias) => alias.replace(/^0+(?=.)/, "") === bare);
  return (isAlias ? chain.chainIds[0] : undefined) ?? publishedId;
}
