import { open } from "node:fs/promises";
import type { FileDiscovered } from "../shared/contracts/file-messages.ts";
import type { FetchTarget } from "../shared/contracts/portal-family.ts";
import { RetryableError } from "../shared/errors.ts";
import { PortalStatusError } from "../shared/net/net-errors.ts";

/** The portal no longer serves this link. A fresh one may work. */
export class LinkExpiredError extends RetryableError {}

export type ResolveLink = (file: FileDiscovered, fresh: boolean) => Promise<FetchTarget>;

/** Super-Pharm answers an old link with a short text and status 200. */
const EXPIRED_TEXT = /link\s+(?:has\s+)?expired/i;
const EXPIRED_MAX_BYTES = 4_096;

/** How Azure (403, XML) and web servers (404, 410) answer a signed link that is over, or a file that moved. */
const EXPIRED_STATUS = new Set([401, 403, 404, 410]);

/**
 * Fetches through the listed link, and once more through a fresh one when the listed link is over: by its own time, by the status, or
 * by a body that says so.
 */
export async function withLiveLink<T>(
  file: FileDiscovered,
  resolveLink: ResolveLink,
  fetch: (target: FetchTarget) => Promise<T>,
): Promise<T> {
  const listed = await resolveLink(file, false);
  const over = listed.expiresAt !== undefined && listed.expiresAt.getTime() <= Date.now();
  if (!over) {
    try {
      return await fetch(listed);
    } catch (error) {
      if (!isExpired(error)) throw error;
    }
  }
  return fetch(await resolveLink(file, true));
}

function isExpired(error: unknown): boolean {
  if (error instanceof LinkExpiredError) return true;
  return error instanceof PortalStatusError && EXPIRED_STATUS.has(error.status);
}

/** @throws {LinkExpiredError} when the downloaded bytes are a short text that says the link is over */
export async function assertNoExpiryNotice(path: string, sizeBytes: number, fileName: string): Promise<void> {
  if (sizeBytes === 0 || sizeBytes > EXPIRED_MAX_BYTES) return;
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
    if (EXPIRED_TEXT.test(buffer.toString("latin1"))) {
      throw new LinkExpiredError(`the portal says that the link to ${fileName} has expired`);
    }
  } finally {
    await file.close();
  }
}
