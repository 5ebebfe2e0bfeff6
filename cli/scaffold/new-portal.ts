import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { loadChains, PORTALS_KEY } from "../../crawlers/chains.ts";
import { builtInFamilies } from "../../crawlers/portals/index.ts";
import type { Config } from "../../shared/config.ts";
import { UsageError } from "../../shared/errors.ts";
import { chainsTarget, checkoutRoot, readTarget } from "./chains-file.ts";
import { checkoutPortalFiles } from "./checkout-portal.ts";
import { addMember } from "./json-text.ts";
import { outsidePortalFiles } from "./outside-portal.ts";
import { portalNames } from "./portal-names.ts";
import { FAKE_INDEX, PORTAL_INDEX, withFake, withPlugin } from "./register-portal.ts";
import { writeText } from "./write-text.ts";

export interface NewPortalFlags {
  /** Outside the package: the folder that the files go into. */
  dir?: string;
  /** Outside: the chains file that names the family. */
  file?: string;
}

export interface NewPortal {
  family: string;
  created: string[];
  changed: string[];
  /** Outside: where the family is named; null when no chains file was given, with what to write there. */
  chainsFile: string | null;
  snippet: string | null;
  /** The command that runs its test. */
  test: string;
}

/**
 * Begins a portal family: plugin, fake portal, test. In a checkout (the default there) it becomes one of the package's own and runs the
 * conformance suite; with `--dir` it stays outside, named by `$portals` in a chains file. Nothing that exists is written over.
 * @throws {UsageError} for a name that is taken or cannot be one, or when there is no checkout and no folder was named
 */
export function newPortal(
  config: Pick<Config, "chainsFile">,
  name: string,
  flags: NewPortalFlags,
  root = checkoutRoot(),
): NewPortal {
  const names = portalNames(name);
  if (builtInFamilies().has(name)) throw new UsageError(`there is a portal family "${name}" already`);
  if (flags.dir !== undefined) return outside(config, name, resolve(flags.dir), flags.file);
  if (root === null) {
    throw new UsageError("say where the plugin goes: --dir", {
      hint: "an installed package is not written into; --dir plugins makes the folder",
    });
  }
  if (flags.file !== undefined)
    throw new UsageError("--file goes with --dir: a family of the package is in no chains file");
  const created = Object.entries(checkoutPortalFiles(names)).map(([path, text]) => ({ path: join(root, path), text }));
  const changed = [
    { path: join(root, PORTAL_INDEX), change: withPlugin },
    { path: join(root, FAKE_INDEX), change: withFake },
  ].map(({ path, change }) => ({ path, text: change(readFileSync(path, "utf8"), names) }));
  refuseExisting(created);
  for (const { path, text } of [...created, ...changed]) writeText(path, text);
  return {
    family: name,
    created: created.map(({ path }) => path),
    changed: changed.map(({ path }) => path),
    chainsFile: null,
    snippet: null,
    test: `npx vitest run --project contract test/contract/portal-${name}.test.ts`,
  };
}

function outside(config: Pick<Config, "chainsFile">, name: string, dir: string, file: string | undefined): NewPortal {
  const created = Object.entries(outsidePortalFiles(portalNames(name))).map(([path, text]) => ({
    path: join(dir, path),
    text,
  }));
  refuseExisting(created);
  const module = join(dir, `${name}.mjs`);
  const result = {
    family: name,
    created: created.map(({ path }) => path),
    test: `node --test ${relative(process.cwd(), join(dir, `${name}.test.mjs`))}`,
  };
  const writeAll = () => {
    for (const { path, text } of created) writeText(path, text);
  };
  if (file === undefined && config.chainsFile === null) {
    writeAll();
    return { ...result, changed: [], chainsFile: null, snippet: JSON.stringify({ [PORTALS_KEY]: { [name]: module } }) };
  }
  const target = chainsTarget(file === undefined ? {} : { file }, config.chainsFile);
  const known = loadChains({ chainsFile: target.exists ? target.path : null }).outsidePortals;
  if (known.has(name)) throw new UsageError(`${target.path} names a portal family "${name}" already`);
  const text = named(readTarget(target), name, pathFrom(target.path, module));
  writeAll();
  writeText(target.path, text);
  return { ...result, changed: [target.path], chainsFile: target.path, snippet: null };
}

function named(text: string, family: string, path: string): string {
  const hasPortals = PORTALS_KEY in (JSON.parse(text) as object);
  return hasPortals ? addMember(text, family, path, PORTALS_KEY) : addMember(text, PORTALS_KEY, { [family]: path });
}

/** As the chains file names it: from its own folder. */
function pathFrom(chainsFile: string, module: string): string {
  const path = relative(dirname(chainsFile), module).replaceAll(sep, "/");
  return path.startsWith(".") ? path : `./${path}`;
}

function refuseExisting(files: readonly { path: string }[]): void {
  const taken = files.filter(({ path }) => existsSync(path)).map(({ path }) => path);
  if (taken.length > 0) throw new UsageError(`there is ${taken.join(" and ")} already; nothing is written over`);
}
