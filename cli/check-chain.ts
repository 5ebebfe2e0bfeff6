import { type ChainCheck, checkChain } from "../crawlers/check.ts";
import { familyOf } from "../crawlers/choose-chains.ts";
import type { Chain } from "../shared/contracts/chain.ts";
import { redactUrl } from "../shared/observability/log.ts";
import { ReportedFailure } from "./failure.ts";
import { counted, printJson, printLine } from "./output.ts";
import type { Runtime } from "./runtime.ts";

/** A person waits for the answer. */
const DEADLINE_MS = 120_000;

/**
 * Lists a chain's portal once, as the crawler would, and says what it found. Records and publishes nothing.
 * @throws {ReportedFailure} when the portal does not answer, is not understood, or gives no link
 */
export async function reportCheck(runtime: Runtime, chain: Chain, options: { json?: boolean }): Promise<void> {
  const family = familyOf(chain, await runtime.families());
  const { signal } = runtime.shutdown;
  const check = await checkChain({ access: await runtime.portals() }, chain, family, {
    signal,
    deadlineMs: DEADLINE_MS,
  });
  if (options.json) printJson(withoutSignatures(check));
  else print(check);
  const listed = check.state === "found" || check.state === "empty-plausible";
  if (!listed) throw new ReportedFailure(`gogobe: the portal of ${chain.key} needs a look: ${check.state}`);
  if (check.resolved?.error) throw new ReportedFailure(`gogobe: the portal of ${chain.key} gives no link that works`);
}

function print(check: ChainCheck): void {
  printLine(
    `${check.chain} on ${check.portal}: ${check.state}, ${counted(check.filesListed, "file")} of today and yesterday`,
  );
  if (check.detail !== null) printLine(`  ${check.detail}`);
  for (const [type, files] of Object.entries(check.filesByType)) {
    const newest = check.samples.find((sample) => sample.identity.fileType === type)?.identity.fileName;
    if (files > 0) printLine(`  ${type.padEnd(12)} ${String(files).padStart(6)}  newest: ${newest ?? "?"}`);
  }
  if (check.unknownNames > 0) {
    printLine(
      `  ${counted(check.unknownNames, "name")} not understood, for example ${check.unknownSamples.join(", ")}`,
    );
  }
  if (check.resolved) {
    const { fileName, url, error } = check.resolved;
    printLine(`  link of ${fileName}: ${error ?? url}`);
  }
}

function withoutSignatures(check: ChainCheck): ChainCheck {
  return { ...check, samples: check.samples.map((sample) => ({ ...sample, url: redactUrl(sample.url) })) };
}
