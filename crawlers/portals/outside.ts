import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { PortalFamily } from "../../shared/contracts/portal-family.ts";
import { errorMessage, GogobeError, LayoutNotRecognisedError, UsageError } from "../../shared/errors.ts";

/** A file that a portal started for a check has to publish. */
export interface OfferedFile {
  name: string;
  content: Uint8Array;
  publishedAt: Date;
}

/** A local server that behaves like the portal of a family. */
export interface OutsideFake {
  url: string;
  close(): Promise<void>;
}

/** What a module outside the package gives. */
export interface OutsidePortal {
  family: PortalFamily;
  /** Starts its fake portal; null where the module has none. */
  startFake: ((files: readonly OfferedFile[]) => Promise<OutsideFake>) | null;
}

/**
 * Loads a portal family that the chains file names under `$portals`: the default export of the module, or its export `family`. An
 * export `startFake` is what `gogobe chains check` starts in place of the portal.
 * @throws {UsageError} for a module that cannot be loaded or gives no family
 */
export async function loadOutside(name: string, target: string): Promise<OutsidePortal> {
  let module: unknown;
  try {
    module = await import(isAbsolute(target) ? pathToFileURL(target).href : target);
  } catch (cause) {
    throw new UsageError(`portal family "${name}": ${target} cannot be loaded: ${errorMessage(cause)}`, { cause });
  }
  const { default: byDefault, family, startFake } = module as Record<string, unknown>;
  const found = [byDefault, family].find(isFamily);
  if (found === undefined) {
    throw new UsageError(`portal family "${name}": ${target} exports no family`, {
      hint: "export default an object with name, list and resolve (PortalFamily)",
    });
  }
  return {
    family: underName(name, found),
    startFake: typeof startFake === "function" ? (startFake as OutsidePortal["startFake"]) : null,
  };
}

function underName(name: string, family: PortalFamily): PortalFamily {
  return {
    name,
    ...(family.needs === undefined ? {} : { needs: family.needs }),
    async *list(context, filter) {
      try {
        yield* family.list(context, filter);
      } catch (error) {
        throw asOurs(error);
      }
    },
    resolve: async (context, file) => {
      try {
        return await family.resolve(context, file);
      } catch (error) {
        throw asOurs(error);
      }
    },
  };
}

/** A module outside the package may have no way to import our classes: the name of its error tells. */
function asOurs(error: unknown): unknown {
  if (error instanceof GogobeError || !(error instanceof Error) || error.name !== "LayoutNotRecognisedError") {
    return error;
  }
  return new LayoutNotRecognisedError(error.message, { cause: error });
}

function isFamily(value: unknown): value is PortalFamily {
  return (
    typeof value === "object" &&
    value !== null &&
    "list" in value &&
    typeof value.list === "function" &&
    "resolve" in value &&
    typeof value.resolve === "function"
  );
}
