import type { Command } from "commander";
import type { Chain } from "../../shared/contracts/chain.ts";
import { UsageError } from "../../shared/errors.ts";
import type { ChainRegistry } from "../../shared/stage.ts";
import { contextOf } from "../context.ts";
import { formatOf, printJson, printLine, printRows, type Row } from "../output.ts";
import { checkChains } from "../options.ts";
import { type Runtime, withRuntime } from "../runtime.ts";
import type { NewChainFlags } from "../scaffold/new-chain.ts";
import { printNewChain, withNewChainOptions } from "../scaffold/new-chain-options.ts";

interface ListOptions {
  status?: string;
  portal?: string;
  json?: boolean;
  csv?: boolean;
}

/** The last listing of a chain, as the crawler noted it. */
interface Listing {
  chain: string;
  state: string;
  detail: string | null;
  files_listed: number;
  files_new: number;
  finished_at: Date;
}

const COLUMNS = ["chain", "name", "portal", "status", "chain_ids", "listing", "listed", "new", "at"];

export function configure(command: Command): void {
  command
    .command("list", { isDefault: true })
    .description("every chain, and how its last listing went")
    .option("--status <word>", "active, unstable or retired ones only")
    .option("--portal <family>", "those of one portal family only")
    .option("--json", "print a JSON array")
    .option("--csv", "print CSV")
    .action((options: ListOptions) =>
      withRuntime(contextOf(command, { quiet: true }), (runtime) => list(runtime, options)),
    );

  command
    .command("show")
    .description("one chain: its registry entry, its last listing, its files")
    .argument("<key>", "registry key, for example shufersal")
    .option("--json", "print a JSON object")
    .action((key: string, options: { json?: boolean }) =>
      withRuntime(contextOf(command, { quiet: true }), (runtime) => show(runtime, key, options)),
    );

  withNewChainOptions(command.command("new").description("add a chain on a portal family that is known")).action(
    async (key: string, options: NewChainFlags & { json?: boolean }) => {
      const { newChain } = await import("../scaffold/new-chain.ts");
      printNewChain(await newChain(contextOf(command, { quiet: true }).config, key, options), options);
    },
  );

  command
    .command("check")
    .description("list the chain's portal now, without downloading or recording anything")
    .argument("<key>", "registry key")
    .option("--json", "print a JSON object")
    .action((key: string, options: { json?: boolean }) =>
      withRuntime(contextOf(command, { quiet: true }), async (runtime) => {
        const { reportCheck } = await import("../check-chain.ts");
        await reportCheck(runtime, requireChain(await runtime.chains(), key), options);
      }),
    );
}

async function list(runtime: Runtime, options: ListOptions): Promise<void> {
  const chains = (await runtime.chains())
    .all()
    .filter((chain) => options.status === undefined || chain.status === options.status)
    .filter((chain) => options.portal === undefined || chain.portal === options.portal);
  const listings = new Map((await readListings(runtime)).map((listing) => [listing.chain, listing]));
  const rows = chains.map((chain): Row => {
    const listing = listings.get(chain.key);
    return {
      chain: chain.key,
      name: chain.nameEn,
      portal: chain.portal,
      status: chain.status,
      chain_ids: chain.chainIds.join(" "),
      listing: listing?.state ?? null,
      listed: listing?.files_listed ?? null,
      new: listing?.files_new ?? null,
      at: listing?.finished_at ?? null,
    };
  });
  printRows(rows, formatOf(options), COLUMNS);
}

async function show(runtime: Runtime, key: string, options: { json?: boolean }): Promise<void> {
  const chain = requireChain(await runtime.chains(), key);
  const { pool } = await runtime.database();
  const [listing] = (await readListings(runtime)).filter((candidate) => candidate.chain === key);
  const { rows: files } = await pool.query<{ status: string; file_type: string; files: number; newest: Date }>(
    `SELECT file_type, status, count(*)::int AS files, max(published_at) AS newest FROM files WHERE chain = $1 GROUP BY 1, 2 ORDER BY 1, 2`,
    [key],
  );
  const entry = withoutSecrets(chain);
  if (options.json) return printJson({ ...entry, listing: listing ?? null, files });
  for (const [name, value] of Object.entries(entry)) {
    if (value !== null && value !== undefined) printLine(`${name.padEnd(18)} ${plain(value)}`);
  }
  printLine(`${"last listing".padEnd(18)} ${listing ? describe(listing) : "none yet"}`);
  if (files.length > 0) printLine();
  if (files.length > 0) printRows(files, "table");
}

function describe(listing: Listing): string {
  const detail = listing.detail === null ? "" : `: ${listing.detail}`;
  return `${listing.state}${detail} (${listing.files_listed} listed, ${listing.files_new} new, ${listing.finished_at.toISOString()})`;
}

async function readListings(runtime: Runtime): Promise<Listing[]> {
  const { pool } = await runtime.database();
  const { rows } = await pool.query<Listing>(
    "SELECT chain, state, detail, files_listed, files_new, finished_at FROM chain_listings",
  );
  return rows;
}

/** Accounts and proxies may carry passwords: the names are shown, the secrets are not. */
function withoutSecrets(chain: Chain): Row {
  return {
    ...chain,
    proxy: chain.proxy === null ? null : "[set]",
    ftp: chain.ftp === null ? null : { ...chain.ftp, password: chain.ftp.password === "" ? "" : "[set]" },
  };
}

function plain(value: NonNullable<Row[string]>): string {
  if (Array.isArray(value) && value.every((part) => typeof part === "string")) return value.join(", ") || "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @throws {UsageError} for a key that no chain has */
function requireChain(chains: ChainRegistry, key: string): Chain {
  checkChains(chains, [key]);
  const chain = chains.byKey(key);
  if (chain === undefined) throw new UsageError(`unknown chain: ${key}`);
  return chain;
}
