import { UnreadableFileError } from "../shared/errors.ts";

export type Container = "gzip" | "zip" | "plain" | "empty";

/** Enough bytes to tell containers, encodings and error pages apart. */
export const SNIFF_BYTES = 1024;

/** What the first bytes are, whatever the file is called (`.gz` may be a zip or plain XML). */
export function sniffContainer(head: Uint8Array): Container {
  if (head.length === 0) return "empty";
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x50 && head[1] === 0x4b && (head[2] ?? 0) <= 0x08 && (head[3] ?? 0) <= 0x08) return "zip";
  return "plain";
}

/**
 * Refuses by name what portals send instead of a file: an HTML page, JSON, or a line of text such as an expired-link message.
 * `head` is the first decoded text without leading marks. @throws {UnreadableFileError}
 */
export function refuseErrorPage(head: string): void {
  const text = head.trimStart();
  if (text.startsWith("<")) {
    if (/^(?:<\?xml[^>]*>|<!--[\s\S]*?-->|\s)*<(?:!doctype\s+html|html|head|body)[\s>]/i.test(text)) {
      throw new UnreadableFileError(`an HTML page instead of a file: ${excerpt(pageTitle(text))}`, {
        hint: "the portal answered with a page; download the file again",
      });
    }
    return;
  }
  const kind = /^[{[]/.test(text) ? "JSON" : "text";
  throw new UnreadableFileError(`${kind} instead of XML: ${excerpt(text)}`, {
    hint: "the portal answered with a message; download the file again",
  });
}

function pageTitle(html: string): string {
  return /<title[^>]*>([^<]*)/i.exec(html)?.[1] ?? html.replace(/<[^>]*>/g, " ");
}

/** The start of a text as one short line that is safe to show. */
export function excerpt(text: string): string {
  const line = text
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return `"${line.length > 80 ? `${line.slice(0, 80)}…` : line}"`;
}
