import { judgeListing, type ListingHealth } from "../crawlers/listing-health.ts";
import type { Candidate } from "../crawlers/listed-file.ts";
import { withDefaultDays } from "../crawlers/listed-file.ts";
import { familyOf } from "../crawlers/choose-chains.ts";
import { noCounts, readListing } from "../crawlers/read-listing.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { counted, printJson, printLine, printRows } from "./output.ts";
import { ReportedFailure } from "./failure.ts";
import type { Runtime } from "./runtime.ts";

/** A listing that takes longer is given up: a check is for a person who waits. */
const DEADLINE_MS = 120_000;

/**
 * Lists a chain's portal once, as the crawler would, and says what it found. Downloads, records and publishes nothing.
 * @throws {ReportedFailure} when the portal does not answer or is not understood
 */
export async function checkChain(runtime: Runtime, chain: Chain, options: { json?: boolean }): Promise<void> {
  const family = familyOf(chain, await runtime.families());
  const portal = (await runtime.portals()).forChain(chain);
  const now = () => new Date();
  const filter = withDefaultDays({}, now());
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const counts = noCounts();
  const files: Candidate[] = [];
  try {
    const context = { chain, http: portal.http, ftp: portal.ftp, signal, now };
    for await (const page of readListing(family, context, filter, counts)) files.push(...page);
  } finally {
    await portal.close();
  }
  const health = judgeListing(chain, filter, counts, now());
  report(chain, health, files, options);
  if (health.state !== "found" && health.state !== "empty-plausible") {
    throw new ReportedFailure(`gogobe: the portal of ${chain.key} needs a look: ${health.state}`);
  }
}

function report(chain: Chain, health: ListingHealth, files: Candidate[], options: { json?: boolean }): void {
  const byType = [...Map.groupBy(files, (file) => file.parts.fileType)].map(([type, group]) => ({
    type,
    files: group.length,
    example: group[0]?.listed.fileName ?? null,
  }));
  if (options.json)
    return printJson({ chain: chain.key, portal: chain.portal, ...health, files: files.length, types: byType });
  printLine(
    `${chain.key} on ${chain.portal}: ${health.state}, ${counted(files.length, "file")} of today and yesterday`,
  );
  if (health.detail !== null) printLine(health.detail);
  if (byType.length > 0) printRows(byType, "table");
}
