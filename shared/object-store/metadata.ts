import { PermanentError } from "../errors.ts";

/** S3 refuses more than this over all names and values. */
const MAX_METADATA_BYTES = 2048;

/**
 * Metadata as S3 headers carry it: printable ASCII without spaces (which signing collapses), anything else percent-encoded as UTF-8.
 * @throws {PermanentError} a name that S3 would change (it lowers case), or more than 2 KB
 */
export function encodeMetadata(key: string, metadata: Record<string, string>): Record<string, string> {
  const encoded: Record<string, string> = {};
  let size = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) {
      throw new PermanentError(
        `metadata name "${name}" of object ${key} is refused: only a-z, 0-9 and "-" survive in every store`,
      );
    }
    const text = value.replaceAll(/[^!-$&-~]/gu, (character) =>
      encodeURIComponent(character.isWellFormed() ? character : "\ufffd"),
    );
    encoded[name] = text;
    size += name.length + text.length;
  }
  if (size > MAX_METADATA_BYTES) {
    throw new PermanentError(
      `metadata of object ${key} takes ${size} bytes; stores hold at most ${MAX_METADATA_BYTES}`,
    );
  }
  return encoded;
}

/** The other way. A value that somebody else wrote and that does not decode stays as it is. */
export function decodeMetadata(encoded: Record<string, string>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, text] of Object.entries(encoded)) {
    try {
      metadata[name] = decodeURIComponent(text);
    } catch {
      metadata[name] = text;
    }
  }
  return metadata;
}
