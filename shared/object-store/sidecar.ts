import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";

const Entry = Type.Object({
  sizeBytes: Type.Number(),
  /** Modification time of the file, seconds since 1970. */
  modified: Type.Number(),
  /** Null: a file that somebody put there by hand. */
  sha256: Type.Union([Type.String(), Type.Null()]),
  contentType: Type.String(),
  metadata: Type.Record(Type.String(), Type.String()),
});

/** What a directory store knows of a file besides its bytes. */
export type SidecarEntry = Static<typeof Entry>;
export type FileIdentity = Pick<SidecarEntry, "sizeBytes" | "modified">;

const sidecar = Compile(Type.Object({ versions: Type.Array(Entry) }));

/** Entries of a sidecar, the newest first; none when it is not one of ours. */
export function parseSidecar(text: string): SidecarEntry[] {
  try {
    const value: unknown = JSON.parse(text);
    return sidecar.Check(value) ? value.versions : [];
  } catch {
    return [];
  }
}

/** The entry of this very file. One that lost its time in a copy is known by its size, a stranger is described by what it is. */
export function sidecarEntryOf(versions: readonly SidecarEntry[], file: FileIdentity): SidecarEntry {
  const sameSize = versions.filter((entry) => entry.sizeBytes === file.sizeBytes);
  const found = sameSize.find((entry) => entry.modified === file.modified) ?? sameSize[0];
  return found ?? { ...file, sha256: null, contentType: "application/octet-stream", metadata: {} };
}
