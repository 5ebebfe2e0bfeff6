import { isDeepStrictEqual } from "node:util";
import { readEntry, type ChainEntry } from "../../crawlers/chain-entry.ts";
import { applyChainVariables } from "../../crawlers/chain-variables.ts";
import { loadChains } from "../../crawlers/chains.ts";
import { familyOf } from "../../crawlers/choose-chains.ts";
import { loadFamilies } from "../../crawlers/portals/index.ts";
import type { Config } from "../../shared/config.ts";
import type { Chain } from "../../shared/contracts/chain.ts";
import { UsageError } from "../../shared/errors.ts";
import { chainsTarget, type ChainsTarget, readTarget, type TargetFlags } from "./chains-file.ts";
import { addMember } from "./json-text.ts";
import { writeText } from "./write-text.ts";

/** What `gogobe chains new` is given besides the key. */
export interface NewChainFlags extends TargetFlags {
  portal: string;
  chainIds: string[];
  name?: string;
  nameHe?: string;
  aliases?: string[];
  status: Chain["status"];
  statusDetail?: string;
  baseUrl?: string;
  hosts?: string[];
  allowPrivateHosts?: string[];
  maxParallel?: number;
  interval?: number;
  proxy?: string;
  username?: string;
  password?: string;
  path?: string;
  anyCertificate?: boolean;
  mayBeEmpty?: Chain["mayBeEmpty"];
  setting: Record<string, unknown>;
}

export interface NewChain {
  key: string;
  entry: ChainEntry;
  target: ChainsTarget;
  /** Things a person should know: nothing that stops the chain. */
  notes: string[];
}

/**
 * Adds a chain to a chains file or to the registry of a checkout; what every chain on the portal has in common is taken from the
 * others. The entry is held against the same schema and needs as when it is loaded, before anything is written.
 * @throws {UsageError} for a key that is taken, an unknown portal, or an entry that would not load
 */
export async function newChain(
  config: Pick<Config, "chainsFile" | "chainVariables">,
  key: string,
  flags: NewChainFlags,
): Promise<NewChain> {
  const target = chainsTarget(flags, config.chainsFile);
  const chains = loadChains({ chainsFile: target.isRegistry || !target.exists ? null : target.path });
  const text = readTarget(target);
  if (chains.byKey(key) !== undefined || key in (JSON.parse(text) as object)) {
    throw new UsageError(`there is a chain "${key}" already`, {
      hint: `gogobe chains show ${key} prints it; to change it, write what differs into ${target.path}`,
    });
  }
  const families = await loadFamilies(chains);
  if (!families.has(flags.portal)) {
    throw new UsageError(`there is no portal family "${flags.portal}"`, {
      hint: `known: ${[...families.keys()].join(", ")}; gogobe chains new-portal <name> begins a new one`,
    });
  }
  const variables = variablesOf(key, config.chainVariables);
  const entry = entryOf(key, { ...flags, ...accountNamed(variables) }, commonOf(chains.all(), flags.portal));
  const chain = readEntry(key, applyChainVariables({ [key]: entry }, variables)[key], target.path);
  familyOf(chain, families);
  writeText(target.path, addMember(text, key, entry));
  return { key, entry, target, notes: notesOf(chain, chains.byChainId) };
}

/** What all living chains on a portal share: the address of one portal for many chains, its other hosts, how its accounts look. */
function commonOf(chains: readonly Chain[], portal: string): Partial<Chain> {
  const siblings = chains.filter((chain) => chain.portal === portal && chain.status !== "retired");
  const [first] = siblings;
  if (first === undefined || siblings.length < 2) return {};
  const same = <Key extends "baseUrl" | "hosts" | "allowPrivateHosts">(key: Key): Pick<Chain, Key> | object =>
    siblings.every((chain) => isDeepStrictEqual(chain[key], first[key])) ? { [key]: first[key] } : {};
  const baseUrl = same("baseUrl");
  if (!("baseUrl" in baseUrl)) return {};
  const account = first.ftp === null ? {} : { ftp: { ...first.ftp, username: "", password: "", path: "/" } };
  return { ...baseUrl, ...same("hosts"), ...same("allowPrivateHosts"), ...account };
}

type EntryFlags = NewChainFlags & { accountElsewhere: boolean };

function entryOf(key: string, flags: EntryFlags, common: Partial<Chain>): ChainEntry {
  const baseUrl = flags.baseUrl ?? common.baseUrl;
  if (baseUrl === undefined) {
    throw new UsageError(`say where the portal is: --base-url`, {
      hint: "for example --base-url https://prices.example.co.il/",
    });
  }
  const shared = flags.baseUrl === undefined || flags.baseUrl === common.baseUrl ? common : {};
  const hosts = flags.hosts ?? shared.hosts ?? [];
  const privateHosts = flags.allowPrivateHosts ?? shared.allowPrivateHosts ?? [];
  const ftp = accountOf(flags, shared.ftp);
  return {
    nameEn: flags.name ?? titleOf(key),
    ...(flags.nameHe === undefined ? {} : { nameHe: flags.nameHe }),
    chainIds: flags.chainIds,
    ...(flags.aliases === undefined ? {} : { chainIdAliases: flags.aliases }),
    portal: flags.portal,
    status: flags.status,
    ...(flags.statusDetail === undefined ? {} : { statusDetail: flags.statusDetail }),
    baseUrl,
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(privateHosts.length === 0 ? {} : { allowPrivateHosts: privateHosts }),
    ...(flags.maxParallel === undefined ? {} : { maxParallel: flags.maxParallel }),
    ...(flags.interval === undefined ? {} : { intervalSeconds: flags.interval }),
    ...(flags.proxy === undefined ? {} : { proxy: flags.proxy }),
    ...(ftp === null ? {} : { ftp }),
    ...(flags.mayBeEmpty === undefined ? {} : { mayBeEmpty: flags.mayBeEmpty }),
    ...(Object.keys(flags.setting).length === 0 ? {} : { settings: flags.setting }),
  };
}

function accountOf(flags: EntryFlags, common: Chain["ftp"] | undefined): Chain["ftp"] {
  const { username, password = "", path = common?.path ?? "/", anyCertificate } = flags;
  if (username === undefined && !flags.accountElsewhere) return null;
  const rejectUnauthorized = anyCertificate ? false : (common?.rejectUnauthorized ?? true);
  // Without a user name the file says so by leaving it out: the environment gives the account.
  const account = { ...(username === undefined ? {} : { username, password }), path, rejectUnauthorized };
  return account as NonNullable<Chain["ftp"]>;
}

/** `corner-shop` as `Corner Shop`. */
function titleOf(key: string): string {
  return key.replaceAll("-", " ").replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

/** The settings of the environment that are this chain's: `GOGOBE_CHAIN_<KEY>_<WORD>`. */
function variablesOf(key: string, variables: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = `GOGOBE_CHAIN_${key.toUpperCase().replaceAll("-", "_")}_`;
  const own = Object.entries(variables).filter(
    ([name]) => name.startsWith(prefix) && /^[A-Z]+$/.test(name.slice(prefix.length)),
  );
  return Object.fromEntries(own);
}

/** An account that the environment gives needs a place in the entry, and none of its words. */
function accountNamed(variables: Record<string, string>): { accountElsewhere: boolean } {
  return { accountElsewhere: Object.keys(variables).some((name) => name.endsWith("_USERNAME")) };
}

function notesOf(chain: Chain, byChainId: (id: string) => Chain | undefined): string[] {
  return [...chain.chainIds, ...(chain.chainIdAliases ?? [])].flatMap((id) => {
    const owner = byChainId(id);
    return owner === undefined ? [] : [`chain id ${id} is also that of ${owner.key}`];
  });
}
