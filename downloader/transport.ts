import type { FetchTarget } from "../shared/contracts/portal-family.ts";
import type { PortalSession } from "../shared/net/portal-access.ts";
import { fetchFtp } from "./fetch-ftp.ts";
import { fetchHttp } from "./fetch-http.ts";
import type { FileLimits } from "./temporary-file.ts";

export interface FetchOptions extends FileLimits {
  /** Temporary file; emptied by every try. */
  path: string;
  /** Size as listed, null where the portal gave none. */
  listedBytes: number | null;
  signal: AbortSignal;
}

export interface FetchedFile {
  sha256: string;
  sizeBytes: number;
  contentType: string;
}

/** Fetches by scheme. The session refuses every scheme and host that is not allowed. */
export function fetchFile(session: PortalSession, target: FetchTarget, options: FetchOptions): Promise<FetchedFile> {
  const { protocol } = session.policy.assertUrl(target.url);
  const fetch = protocol === "ftp:" || protocol === "ftps:" ? fetchFtp : fetchHttp;
  return fetch(session, target, options);
}
