import { GogobeError } from "../../shared/errors.ts";
import type { PortalNames } from "./portal-names.ts";

/** The two files of a checkout that name every family, each with a family added. */
export const PORTAL_INDEX = "crawlers/portals/index.ts";
export const FAKE_INDEX = "test/fake-portals/index.ts";

/** @throws {GogobeError} when the file no longer looks as it did: the lines to add are named */
export function withPlugin(text: string, { family, plugin }: PortalNames): string {
  const imported = addImport(text, family, `import { ${plugin} } from "./${family}.ts";`);
  return addSorted(imported, PORTAL_INDEX, {
    from: /^const BUILT_IN\b.*\[$/m,
    to: /^\];$/m,
    line: `  ${plugin},`,
    keyOf: (line) => /^ {2}(\w+),$/.exec(line)?.[1],
    key: plugin,
  });
}

/** @throws {GogobeError} as above */
export function withFake(text: string, { family, start }: PortalNames): string {
  const key = family.includes("-") ? JSON.stringify(family) : family;
  const imported = addImport(text, family, `import { ${start} } from "./${family}.ts";`);
  return addSorted(imported, FAKE_INDEX, {
    from: /^export const FAKE_PORTALS\b.*\{$/m,
    to: /^\};$/m,
    line: `  ${key}: (files, options) => ${start}(files, options),`,
    keyOf: (line) => /^ {2}"?([a-z][a-z0-9-]*)"?: \(/.exec(line)?.[1],
    key: family,
  });
}

/** Among the imports of neighbours, in the order of their names. */
function addImport(text: string, family: string, line: string): string {
  const lines = text.split("\n");
  const neighbours = lines.flatMap((candidate, index) => {
    const name = /^import .* from "\.\/([a-z0-9-]+)\.ts";$/.exec(candidate)?.[1];
    return name === undefined ? [] : [{ name, index }];
  });
  const next = neighbours.find(({ name }) => name > family)?.index ?? (neighbours.at(-1)?.index ?? -1) + 1;
  return lines.toSpliced(next, 0, line).join("\n");
}

interface SortedLines {
  from: RegExp;
  to: RegExp;
  line: string;
  key: string;
  keyOf(line: string): string | undefined;
}

function addSorted(text: string, path: string, { from, to, line, key, keyOf }: SortedLines): string {
  const lines = text.split("\n");
  const start = lines.findIndex((candidate) => from.test(candidate));
  const end = start === -1 ? -1 : lines.findIndex((candidate, index) => index > start && to.test(candidate));
  if (end === -1) {
    throw new GogobeError(`${path} does not look as expected, so nothing was written`, {
      hint: `bring back its list of families, or add the family there by hand: ${line.trim()}`,
    });
  }
  const next = lines.findIndex((candidate, index) => index > start && index < end && (keyOf(candidate) ?? "") > key);
  return lines.toSpliced(next === -1 ? end : next, 0, line).join("\n");
}
