import { type Command, InvalidArgumentError, Option } from "commander";
import type { EmptyRule } from "../../shared/contracts/chain.ts";
import { parseCount, parseDay, parseList } from "../options.ts";
import { printJson, printLine } from "../output.ts";
import type { NewChain } from "./new-chain.ts";

export function withNewChainOptions(command: Command): Command {
  return command
    .argument("<key>", "registry key: lower-case letters, digits and dashes")
    .requiredOption("--portal <family>", "the portal family, for example cerberus")
    .requiredOption("--chain-ids <ids>", "the ids in its file names, the chain's own first", parseIds)
    .option("--name <text>", "its name in English; default: the key in words")
    .option("--name-he <text>", "its name in Hebrew")
    .option(
      "--base-url <address>",
      "where the portal is; default: where all chains of the family are, if that is one place",
    )
    .option("--hosts <names>", "other hosts that its files may come from", parseList)
    .option("--username <name>", "its account, where the portal has accounts")
    .option("--password <text>", "the password of the account; default: none")
    .option("--path <directory>", "the directory of the account; default: /")
    .option("--any-certificate", "accept a certificate that nobody vouches for")
    .option("--aliases <ids>", "short or padded ids that its file names carry", parseIds)
    .addOption(new Option("--status <word>").choices(["active", "unstable", "retired"]).default("active"))
    .option("--status-detail <text>", "why the status is what it is")
    .option("--max-parallel <count>", "requests at once to one host; default: 5", parseCount)
    .option("--interval <seconds>", "between two listings; default: 3600", parseCount)
    .option("--proxy <address>", "a proxy for this chain; several portals answer only inside Israel")
    .option("--allow-private-hosts <names>", "hosts in private networks that may be fetched", parseList)
    .option(
      "--may-be-empty <when>",
      `when an empty listing is no reason to worry: ${EMPTY_WHEN.join(", ")}; with a last day: always=2027-01-31; may be repeated`,
      collectRule,
    )
    .option("--setting <name=value>", "a setting of its portal family; may be repeated", collectSetting, {})
    .option("--file <path>", "the chains file to add it to; default: the one that GOGOBE_CHAINS_FILE names")
    .option("--registry", "add it to the registry of this checkout instead")
    .option("--json", "print a JSON object");
}

export function printNewChain({ key, entry, target, notes }: NewChain, options: { json?: boolean }): void {
  if (options.json) return printJson({ chain: key, file: target.path, inForce: target.inForce, entry, notes });
  printLine(`${key} is added to ${target.path}${target.exists ? "" : ", which is new"}`);
  for (const note of notes) printLine(`  note: ${note}`);
  if (!target.inForce) printLine(`  it is in force with GOGOBE_CHAINS_FILE=${target.path}`);
  printLine("next:");
  printLine(`  gogobe chains check ${key}          # entry and plugin, against a local portal of its family`);
  printLine(`  gogobe chains check ${key} --live   # the real portal`);
  printLine(`  gogobe run --once --chains ${key} --latest`);
}

const EMPTY_WHEN = [
  "always",
  "saturday",
  "only-stores",
  "without-stores",
  "only-promotions",
  "single-store",
] as const satisfies readonly EmptyRule["when"][];

/** `saturday`, or `saturday=2027-01-31`: good until the end of that day. */
function collectRule(text: string, rules: EmptyRule[] = []): EmptyRule[] {
  const [word, until] = text.split("=");
  const when = EMPTY_WHEN.find((known) => known === word);
  if (when === undefined) throw new InvalidArgumentError(`"${word}" is none of ${EMPTY_WHEN.join(", ")}.`);
  return [...rules, { when, ...(until === undefined ? {} : { until: parseDay(until) }) }];
}

function parseIds(text: string): string[] {
  const ids = parseList(text);
  if (ids.some((id) => !/^\d+$/.test(id)))
    throw new InvalidArgumentError("It must be numbers with commas between them.");
  return ids;
}

/** `name=value`; what reads as JSON (a number, true, a list) is that, anything else text. */
function collectSetting(text: string, settings: Record<string, unknown>): Record<string, unknown> {
  const [, name, value = ""] = /^([A-Za-z]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must be name=value.");
  try {
    return { ...settings, [name]: JSON.parse(value) as unknown };
  } catch {
    return { ...settings, [name]: value };
  }
}
