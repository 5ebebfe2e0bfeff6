import { PermanentError } from "../errors.ts";

/** There is no object of that key in the store. */
export class ObjectNotFoundError extends PermanentError {}

/** `s3://<bucket>/<key>` taken apart. @throws {PermanentError} */
export function parseObjectUri(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (!match?.[1] || !match[2])
    throw new PermanentError(`"${uri}" is not an object address`, { hint: "expected s3://bucket/key" });
  assertSafeKey(match[2]);
  return { bucket: match[1], key: match[2] };
}

export function objectUriOf(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}

/** A key that can never leave its bucket, in any store. @throws {PermanentError} */
export function assertSafeKey(key: string): void {
  const segments = key.split("/");
  const bad =
    key.startsWith("/") ||
    key.includes("\\") ||
    key.includes("\0") ||
    segments.some((s) => s === "" || s === "." || s === "..");
  if (bad) throw new PermanentError(`object key "${key}" is refused: it could point outside its bucket`);
}
