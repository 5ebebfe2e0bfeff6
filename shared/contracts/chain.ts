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
}
