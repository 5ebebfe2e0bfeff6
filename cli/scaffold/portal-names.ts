import { UsageError } from "../../shared/errors.ts";

/** One portal family as its files spell it. */
export interface PortalNames {
  /** `corner-site`: registry, file names. */
  family: string;
  /** `cornerSite`: the plugin. */
  plugin: string;
  /** `startCornerSite`: the fake portal. */
  start: string;
  /** `CORNER_SITE`: the chain that the fake portal stands for. */
  chain: string;
}

/** Words that no variable can have as its name. */
const RESERVED = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for
  function if implements import in instanceof interface let new null package private protected public return static super switch this
  throw true try typeof var void while with yield`.split(/\s+/),
);

/** @throws {UsageError} for a name that cannot be a file and a variable */
export function portalNames(family: string): PortalNames {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(family) || family.length > 60 || RESERVED.has(family)) {
    throw new UsageError(`"${family}" cannot be the name of a portal family`, {
      hint: "lower-case words with dashes between them, beginning with a letter, for example corner-site",
    });
  }
  const plugin = family.replace(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
  return {
    family,
    plugin,
    start: `start${plugin.charAt(0).toUpperCase()}${plugin.slice(1)}`,
    chain: family.toUpperCase().replaceAll("-", "_"),
  };
}
