import type { Chain } from "./chain.ts";
import type { FileType } from "./file-identity.ts";

/** One file as a portal lists it. */
export interface ListedFile {
  /** Published name with the extension as listed. */
  fileName: string;
  /** Where to fetch it now; may carry a signature or expire. */
  url: string;
  /** Size as listed, in bytes; null where the portal gives none or only a rounded one. */
  sizeBytes: number | null;
  /** Time as listed (any text that changes when the file does); null where there is none. */
  listedAt: string | null;
}

/** What a listing run narrows itself to; a family uses what its portal can filter on, the crawler filters the rest. */
export interface ListingFilter {
  types?: readonly FileType[];
  /** Compared without leading zeros. */
  stores?: readonly string[];
  /** Israel days `yyyy-mm-dd`, both inclusive. */
  since?: string;
  until?: string;
}

/** How to fetch a file: by which scheme, with which cookies or account. */
export interface FetchTarget {
  url: string;
  headers?: Record<string, string>;
  /** FTP account; absent for HTTP. */
  ftp?: { username: string; password: string; rejectUnauthorized: boolean };
  /** `moment` until which the link is good, when the portal says so. */
  expiresAt?: Date;
}

/** HTTP as a portal family sees it: hosts checked, slots leased, cookies kept for the chain's run, retries and breaker inside. */
export interface PortalHttp {
  /** Body as text. Throws RetryableError when unreachable, HostNotAllowedError for a host outside the registry. */
  text(url: string, options?: PortalRequestOptions): Promise<string>;
}

export interface PortalRequestOptions {
  headers?: Record<string, string>;
  /** Largest body accepted, in bytes. */
  maxBytes?: number;
}

export interface RemoteFile {
  name: string;
  size: number | null;
  modifiedAt: string | null;
}

/** FTP as a portal family sees it. */
export interface PortalFtp {
  list(path: string): Promise<RemoteFile[]>;
}

/** What a family is given for one run over one chain. */
export interface PortalContext {
  chain: Chain;
  http: PortalHttp;
  ftp: PortalFtp;
  signal: AbortSignal;
  now: () => Date;
}

/** What a registry entry must have for a portal family, besides what every entry has. */
export interface EntryNeeds {
  /** Schemes that `baseUrl` may have. @default ["http", "https"] */
  schemes?: readonly string[];
  /** An account under `ftp`. @default false */
  account?: boolean;
  /** Keys that `settings` must have, each with what it means. */
  settings?: Readonly<Record<string, string>>;
}

/**
 * The plugin of one portal kind.
 * `list` yields pages of files as they come, so that thousands of rows never wait for the last page. It throws
 * LayoutNotRecognisedError (naming the selector or key that was missing) rather than yield nothing for a page it cannot read.
 * `resolve` turns a listed file into something that can be fetched right now: the listed link while it is good, the second step
 * of a two-step link, or a fresh link for one that expired (`fresh`).
 */
export interface PortalFamily {
  readonly name: string;
  readonly needs?: EntryNeeds;
  list(context: PortalContext, filter: ListingFilter): AsyncIterable<ListedFile[]>;
  resolve(
    context: PortalContext,
    file: { fileName: string; fileType: FileType; url: string; fresh: boolean },
  ): Promise<FetchTarget>;
}
