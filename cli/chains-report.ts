import type { Chain } from "../shared/contracts/chain.ts";
import { readCircuits } from "../shared/net/host-circuits-table.ts";
import { type ChainCircuit, circuitOf, circuitText } from "./chain-circuits.ts";
import { requireChain } from "./options.ts";
import { formatOf, printJson, printLine, printRows, type Row } from "./output.ts";
import { isTrouble } from "./print-crawl.ts";
import type { Runtime } from "./runtime.ts";

export interface ChainsListFlags {
  status?: Chain["status"];
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

const TABLE_COLUMNS = ["chain", "name", "portal", "status", "chain_ids", "listing", "listed", "new", "at", "circuit"];
const ALL_COLUMNS = [...TABLE_COLUMNS, "retry_at", "detail"];

/** Every chain with its last listing and the circuit of its hosts; on a terminal, what needs a look once more in words. */
export async function listChains(runtime: Runtime, flags: ChainsListFlags): Promise<void> {
  const chains = (await runtime.chains())
    .all()
    .filter((chain) => flags.status === undefined || chain.status === flags.status)
    .filter((chain) => flags.portal === undefined || chain.portal === flags.portal);
  const listings = new Map((await readListings(runtime)).map((listing) => [listing.chain, listing]));
  const circuits = await readCircuits((await runtime.database()).pool);
  const format = formatOf(flags);
  const rows = chains.map((chain) => {
    const circuit = circuitOf(chain, circuits);
    const row = rowOf(chain, listings.get(chain.key), circuit);
    return format === "table" ? { ...row, circuit: circuitText(circuit) } : row;
  });
  printRows(rows, format, format === "table" ? TABLE_COLUMNS : ALL_COLUMNS);
  if (format !== "table") return;
  const trouble = chains.flatMap((chain) => listings.get(chain.key) ?? []).filter(({ state }) => isTrouble(state));
  const alone = new Map(chains.flatMap((chain) => circuitOf(chain, circuits).hosts).map((host) => [host.host, host]));
  if (trouble.length + alone.size > 0) printLine("\nneeds a look:");
  for (const { chain, state, detail } of trouble)
    printLine(`  ${chain}: ${state}${detail === null ? "" : `: ${detail}`}`);
  for (const { host, state, error } of alone.values()) printLine(`  host ${host}: ${state} after: ${error}`);
}

function rowOf(chain: Chain, listing: Listing | undefined, circuit: ChainCircuit): Row {
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
    circuit: circuit.state,
    retry_at: circuit.retryAt,
    detail: listing?.detail ?? null,
  };
}

/** One chain: its registry entry, how its portal stands, its files. */
export async function showChain(runtime: Runtime, key: string, flags: { json?: boolean }): Promise<void> {
  const chain = requireChain(await runtime.chains(), key);
  const { pool } = await runtime.database();
  const [listing] = (await readListings(runtime)).filter((candidate) => candidate.chain === key);
  const circuit = circuitOf(chain, await readCircuits(pool));
  const { rows: files } = await pool.query<{ status: string; file_type: string; files: number; newest: Date }>(
    `SELECT file_type, status, count(*)::int AS files, max(published_at) AS newest FROM files WHERE chain = $1 GROUP BY 1, 2 ORDER BY 1, 2`,
    [key],
  );
  const entry = withoutSecrets(chain);
  if (flags.json) return printJson({ ...entry, listing: listing ?? null, circuit, files });
  for (const [name, value] of Object.entries(entry)) {
    if (value !== null && value !== undefined) printFact(name, plain(value));
  }
  printFact("last listing", listing ? describe(listing) : "none yet");
  printFact("circuit", circuitText(circuit));
  for (const { host, state, error } of circuit.hosts) printFact("", `${host}: ${state} after: ${error}`);
  if (files.length === 0) return;
  printLine();
  printRows(files, "table");
}

function printFact(name: string, value: string): void {
  printLine(`${name.padEnd(18)} ${value}`);
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
