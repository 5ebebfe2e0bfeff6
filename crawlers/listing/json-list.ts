import { layoutError } from "./html.ts";

export type JsonEntry = Record<string, unknown>;

/** The objects of a JSON array. The content type of such answers is not reliable, the text is. */
export function parseJsonList(portal: string, url: string, body: string): JsonEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.replace(/^\uFEFF/, ""));
  } catch {
    throw layoutError(portal, "a JSON array", url, body);
  }
  if (!Array.isArray(parsed)) throw layoutError(portal, "a JSON array", url, body);
  return parsed.filter((entry): entry is JsonEntry => typeof entry === "object" && entry !== null);
}

/**
 * The entries that have a text under `key`.
 * @throws {LayoutNotRecognisedError} when there are entries and none has it: the key was renamed
 */
export function withText(
  portal: string,
  key: string,
  url: string,
  entries: readonly JsonEntry[],
): [string, JsonEntry][] {
  const found = entries.flatMap((entry): [string, JsonEntry][] => {
    const text = entry[key];
    return typeof text === "string" && text.trim() !== "" ? [[text.trim(), entry]] : [];
  });
  if (entries.length > 0 && found.length === 0) {
    throw layoutError(portal, `the key "${key}"`, url, JSON.stringify(entries[0]));
  }
  return found;
}
