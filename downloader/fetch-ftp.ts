import type { FetchTarget } from "../shared/contracts/portal-family.ts";
import { PermanentError } from "../shared/errors.ts";
import { TruncatedBodyError } from "../shared/net/net-errors.ts";
import type { PortalSession } from "../shared/net/portal-access.ts";
import type { FetchedFile, FetchOptions } from "./transport.ts";
import { receiveFile } from "./temporary-file.ts";

/**
 * RETRs a file into `options.path`. FTP announces no length: what came is held against the listed size, and where they differ against
 * what the server says now (portals overwrite files between listing and download).
 */
export async function fetchFtp(
  session: PortalSession,
  target: FetchTarget,
  options: FetchOptions,
): Promise<FetchedFile> {
  if (!target.ftp) throw new PermanentError(`${options.fileName} is on an FTP server but no account was given for it`);
  return session.ftpFile(target.url, target.ftp, { signal: options.signal }, async (connection, path) => {
    const facts = await receiveFile(options.path, options.listedBytes ?? 0, options, (sink) =>
      connection.download(path, sink),
    );
    if (facts.sizeBytes !== options.listedBytes) {
      const expected = (await connection.size(path)) ?? options.listedBytes;
      if (expected !== null && facts.sizeBytes < expected) {
        throw new TruncatedBodyError(
          `host ${new URL(target.url).host}: ${options.fileName} came short, ${facts.sizeBytes} of ${expected} bytes`,
        );
      }
    }
    return { ...facts, contentType: "application/octet-stream" };
  });
}
