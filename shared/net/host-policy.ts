import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import ipaddr from "ipaddr.js";
import type { Chain } from "../contracts/chain.ts";
import { PermanentError, RetryableError } from "../errors.ts";

/** The host, or the address it stands for, is not one that this chain may be fetched from. */
export class HostNotAllowedError extends PermanentError {}

/** Public by its range, yet answered by the cloud that hosts us (Azure's platform address). */
const PLATFORM_ADDRESSES = new Set(["168.63.129.16"]);

const DEFAULT_PORTS: Record<string, number> = { "http:": 80, "https:": 443, "ftp:": 21, "ftps:": 21 };

type ChainHosts = Pick<Chain, "key" | "baseUrl" | "hosts" | "allowPrivateHosts">;
type ResolveAll = (host: string) => Promise<LookupAddress[]>;

/** Which hosts and addresses one chain may be fetched from (architecture §3.7). */
export interface HostPolicy {
  /** The parsed URL. @throws {HostNotAllowedError} for another scheme, a host outside the registry, a private address. */
  assertUrl(url: string): URL;
  /** Addresses a connection may be pinned to, in the order of the resolver. @throws {HostNotAllowedError | RetryableError} */
  resolve(host: string): Promise<LookupAddress[]>;
  /** For `net.connect` and its like: resolves again and lets only allowed addresses through. */
  readonly lookup: LookupFunction;
  /**
   * An address that an FTP server names for its data connection: the one of the control connection, one that a host of this
   * chain resolves to, or one that the registry names. @throws {HostNotAllowedError}
   */
  assertPassiveAddress(address: string, controlAddress: string): Promise<void>;
}

/** True for an address on the public internet; false for private, loopback, link-local (cloud metadata), reserved and unreadable ones. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return parsed.range() === "unicast" && !PLATFORM_ADDRESSES.has(parsed.toString());
}

/** Every host the registry names for a chain, lower case, the one of the listing first. */
export function hostsOf(chain: Pick<Chain, "baseUrl" | "hosts">): string[] {
  const listed = URL.canParse(chain.baseUrl) ? [bareHost(new URL(chain.baseUrl).hostname)] : [];
  return [...new Set([...listed, ...chain.hosts.map(bareHost)])];
}

/** Port of a URL, the scheme's own where none is written. */
export function portOf(url: URL): number {
  return url.port === "" ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port);
}

/** `resolveAll` replaces DNS in tests. */
export function createHostPolicy(chain: ChainHosts, resolveAll: ResolveAll = resolveByDns): HostPolicy {
  const allowed = new Set(hostsOf(chain));
  const privateAllowed = new Set(chain.allowPrivateHosts.map(bareHost));

  const addressAllowed = (host: string, address: string) => privateAllowed.has(host) || isPublicAddress(address);

  function assertUrl(url: string): URL {
    if (!URL.canParse(url)) throw new HostNotAllowedError(`chain ${chain.key}: a portal gave a link that is no URL`);
    const parsed = new URL(url);
    if (!(parsed.protocol in DEFAULT_PORTS)) {
      throw new HostNotAllowedError(`chain ${chain.key}: ${parsed.protocol} links are not fetched`);
    }
    const host = bareHost(parsed.hostname);
    if (!allowed.has(host)) {
      throw new HostNotAllowedError(`chain ${chain.key}: host ${host} is not one of its hosts`, {
        hint: `if the portal moved there, add it to "hosts" of ${chain.key} in the chain registry`,
      });
    }
    if (isIP(host) !== 0 && !addressAllowed(host, host)) throw privateAddress(host, host);
    return parsed;
  }

  async function resolve(name: string): Promise<LookupAddress[]> {
    const host = bareHost(name);
    const addresses = isIP(host) === 0 ? await resolveAll(host) : [{ address: host, family: isIP(host) }];
    const usable = addresses.filter((entry) => addressAllowed(host, entry.address));
    const first = addresses[0];
    if (first === undefined) throw new RetryableError(`host ${host} has no address`);
    if (usable.length === 0) throw privateAddress(host, first.address);
    return usable;
  }

  function privateAddress(host: string, address: string): HostNotAllowedError {
    const where = host === address ? host : `${host} resolves to ${address}, which`;
    return new HostNotAllowedError(`chain ${chain.key}: ${where} is in a private or reserved network`, {
      hint: `a portal inside your own network must be named in "allowPrivateHosts" of ${chain.key}`,
    });
  }

  async function assertPassiveAddress(address: string, controlAddress: string): Promise<void> {
    const target = plainAddress(address);
    if (target === plainAddress(controlAddress)) return;
    if (addressAllowed(target, target)) {
      if (allowed.has(target) || privateAllowed.has(target)) return;
      const known = await Promise.all([...allowed].map((host) => resolveAll(host).catch(() => [])));
      if (known.flat().some((entry) => plainAddress(entry.address) === target)) return;
    }
    throw new HostNotAllowedError(
      `chain ${chain.key}: the FTP server names ${target} for its data, which is no host of this chain`,
      { hint: `if that is right, add ${target} to "hosts" of ${chain.key} in the chain registry` },
    );
  }

  const resolveWithCallback = callbackify(resolve);
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolveWithCallback(hostname, (error, addresses) => {
      if (error) return callback(error, "");
      const family = options.family === "IPv4" ? 4 : options.family === "IPv6" ? 6 : (options.family ?? 0);
      const fitting = family === 0 ? addresses : addresses.filter((entry) => entry.family === family);
      const [first] = fitting;
      if (first === undefined) return callback(new RetryableError(`host ${hostname} has no IPv${family} address`), "");
      return options.all === true ? callback(null, fitting) : callback(null, first.address, first.family);
    });
  };

  return { assertUrl, resolve, lookup, assertPassiveAddress };
}

function resolveByDns(host: string): Promise<LookupAddress[]> {
  return new Promise((done, fail) => {
    dnsLookup(host, { all: true }, (error, addresses) => (error ? fail(error) : done(addresses)));
  });
}

/** Lower case, without the brackets of an IPv6 literal and without a closing dot: three spellings of one host. */
function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

/** An IPv4 address inside an IPv6 one (`::ffff:10.0.0.1`) is that IPv4 address. */
function plainAddress(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address.toLowerCase();
}
