import { pipeline } from "node:stream/promises";
import type { FetchTarget } from "../shared/contracts/portal-family.ts";
import { TruncatedBodyError } from "../shared/net/net-errors.ts";
import type { PortalSession } from "../shared/net/portal-access.ts";
import type { FetchedFile, FetchOptions } from "./transport.ts";
import { receiveFile } from "./temporary-file.ts";

/** GETs a file into `options.path`, exactly as it is sent, and holds what came against Content-Length. */
export function fetchHttp(session: PortalSession, target: FetchTarget, options: FetchOptions): Promise<FetchedFile> {
  const request = { signal: options.signal, ...(target.headers ? { headers: target.headers } : {}) };
  return session.httpFile(target.url, request, async (answer) => {
    const facts = await receiveFile(options.path, answer.contentLength ?? 0, options, (sink) =>
      pipeline(answer.body, sink),
    );
    if (answer.contentLength !== null && facts.sizeBytes < answer.contentLength) {
      throw new TruncatedBodyError(
        `host ${answer.host}: ${options.fileName} came short, ${facts.sizeBytes} of ${answer.contentLength} bytes`,
      );
    }
    return { ...facts, contentType: plainType(answer.headers["content-type"]) };
  });
}

/** The media type without parameters; portals send anything, so anything odd counts as bytes. */
function plainType(header: string | undefined): string {
  const type = header?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60}$/.test(type) ? type : "application/octet-stream";
}
