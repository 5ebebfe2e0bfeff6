import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Chain } from "../shared/contracts/chain.ts";
import { UsageError } from "../shared/errors.ts";

const Text = Type.String({ minLength: 1 });
const Host = Type.String({ pattern: "^[A-Za-z0-9.:-]+$" });

/** A registry entry as written: what `Chain` says, with everything optional that has a default. */
const EntrySchema = Type.Object(
  {
    nameEn: Text,
    nameHe: Type.Optional(Text),
    chainIds: Type.Array(Type.String({ pattern: "^[0-9]+$" }), { minItems: 1 }),
    chainIdAliases: Type.Optional(Type.Array(Type.String({ pattern: "^[0-9]+$" }))),
    portal: Text,
    status: Type.Enum(["active", "unstable", "retired"]),
    statusDetail: Type.Optional(Text),
    baseUrl: Type.String({ pattern: "^(https?|ftp)://[^/\\s]+" }),
    hosts: Type.Optional(Type.Array(Host)),
    allowPrivateHosts: Type.Optional(Type.Array(Host)),
    maxParallel: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    intervalSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    proxy: Type.Optional(Type.Union([Type.String({ pattern: "^(https?|socks5?)://[^/\\s]+" }), Type.Null()])),
    ftp: Type.Optional(
      Type.Union([
        Type.Object(
          {
            username: Text,
            password: Type.String(),
            path: Type.String({ pattern: "^/" }),
            rejectUnauthorized: Type.Boolean(),
          },
          { additionalProperties: false },
        ),
        Type.Null(),
      ]),
    ),
    settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    mayBeEmpty: Type.Optional(
      Type.Array(
        Type.Object(
          {
            when: Type.Enum(["always", "saturday", "only-stores", "without-stores", "only-promotions", "single-store"]),
            until: Type.Optional(Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })),
          },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false },
);
/** A registry entry as it stands in a file. */
export type ChainEntry = Static<typeof EntrySchema>;

/** Words that chains and portal families are named by. */
export const KEY_PATTERN = /^[a-z0-9][a-z0-9-]{0,99}$/;

// Validation only runs when a registry is loaded, once per process: the schema is compiled then.
let compiled: ReturnType<typeof Compile<typeof EntrySchema>> | undefined;

/**
 * The chain that an entry describes, defaults filled in.
 * @param file for messages: where the entry stands
 * @throws {UsageError} naming file, chain and key of what is wrong
 */
export function readEntry(key: string, entry: unknown, file: string): Chain {
  compiled ??= Compile(EntrySchema);
  const where = `${file}: chain "${key}"`;
  if (!KEY_PATTERN.test(key)) {
    throw new UsageError(`${where} has a key that is not lower-case letters, digits and dashes`);
  }
  if (!compiled.Check(entry)) {
    throw new UsageError(`${where} is wrong: ${explain(compiled.Errors(entry))}`, {
      hint: "gogobe chains show <key> prints a valid entry",
    });
  }
  if (!URL.canParse(entry.baseUrl)) {
    throw new UsageError(`${where} is wrong: baseUrl "${entry.baseUrl}" is not an address`);
  }
  return toChain(key, entry);
}

function explain(errors: ReturnType<NonNullable<typeof compiled>["Errors"]>): string {
  const lines = errors.slice(0, 5).map((error) => {
    const at = error.instancePath.replace(/^\//, "").replaceAll("/", ".");
    const unknown = error.keyword === "additionalProperties" ? error.params.additionalProperties.join(", ") : "";
    return `${at || "the entry"} ${error.message}${unknown === "" ? "" : ` (${unknown})`}`;
  });
  return lines.join("; ");
}

function toChain(key: string, entry: ChainEntry): Chain {
  return {
    key,
    nameEn: entry.nameEn,
    nameHe: entry.nameHe ?? entry.nameEn,
    chainIds: entry.chainIds,
    portal: entry.portal,
    status: entry.status,
    baseUrl: entry.baseUrl,
    hosts: entry.hosts ?? [],
    allowPrivateHosts: entry.allowPrivateHosts ?? [],
    maxParallel: entry.maxParallel ?? 5,
    // Deltas appear hourly; an hour between listings sees each of them soon and costs a portal little.
    intervalSeconds: entry.intervalSeconds ?? 3600,
    proxy: entry.proxy ?? null,
    ftp: entry.ftp ?? null,
    settings: entry.settings ?? {},
    chainIdAliases: entry.chainIdAliases ?? [],
    mayBeEmpty: entry.mayBeEmpty ?? [],
    ...(entry.statusDetail === undefined ? {} : { statusDetail: entry.statusDetail }),
  };
}
