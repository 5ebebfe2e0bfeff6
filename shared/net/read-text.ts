import type { HttpAnswer } from "./http-client.ts";
import { BodyTooLargeError } from "./net-errors.ts";

/**
 * The whole body as text: by byte order mark, else by the charset of the content type, else UTF-8.
 * @throws {BodyTooLargeError} above `maxBytes`, counted after decompression
 */
export async function readText(answer: HttpAnswer, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes)
      throw new BodyTooLargeError(`host ${answer.host}: a listing is larger than ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  const body = Buffer.concat(chunks);
  return new TextDecoder(encodingOf(body, answer.headers["content-type"])).decode(body);
}

function encodingOf(body: Buffer, contentType: string | undefined): string {
  if (body[0] === 0xff && body[1] === 0xfe) return "utf-16le";
  if (body[0] === 0xfe && body[1] === 0xff) return "utf-16be";
  const charset = /charset="?([^\s;"]+)/i.exec(contentType ?? "")?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset).encoding;
  } catch {
    return "utf-8";
  }
}
