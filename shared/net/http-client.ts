import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import got, { RequestError, TimeoutError, type Agents, type Request, type Response } from "got";
import { HttpProxyAgent, HttpsProxyAgent } from "hpagent";
import type { CookieJar } from "tough-cookie";
import type { Chain } from "../contracts/chain.ts";
import { HostNotAllowedError, type HostPolicy } from "./host-policy.ts";
import { asNetError, HostBusyError, HostTimeoutError, PortalStatusError } from "./net-errors.ts";
import { type NetSettings, USER_AGENT } from "./net-settings.ts";
import { watchPace } from "./pace.ts";

const MAX_HOPS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Never handed on to another host by a redirect. */
const PRIVATE_HEADERS = new Set(["authorization", "cookie"]);

/** One answered request with status 200; the body has not been read yet. */
export interface HttpAnswer {
  /** Where it came from after redirects; may carry a signature. */
  url: URL;
  host: string;
  headers: IncomingHttpHeaders;
  /** As announced, null without Content-Length. */
  contentLength: number | null;
  /** Errors with a network error class. */
  body: Readable;
}

export interface HttpRequest {
  headers?: Record<string, string>;
  /** Listings may come compressed; a downloaded file must not be wrapped or unwrapped. */
  decompress: boolean;
  totalTimeoutMs: number;
  signal: AbortSignal;
}

/** Runs the work of one hop: leases a slot of that host, counts for its circuit. */
export type HopRunner = <T>(host: string, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** HTTP of one chain: hosts checked at every hop and at every connection, cookies kept, proxy used. */
export interface HttpClient {
  /**
   * GETs a URL, follows redirects by hand, and hands the answer to `consume`, whose end frees the connection.
   * @throws {HostNotAllowedError | HostUnreachableError | HostTimeoutError | HostBusyError | PortalStatusError}
   */
  get<T>(url: string, request: HttpRequest, run: HopRunner, consume: (answer: HttpAnswer) => Promise<T>): Promise<T>;
  close(): void;
}

export function createHttpClient(
  chain: Pick<Chain, "key" | "proxy" | "maxParallel">,
  policy: HostPolicy,
  cookies: CookieJar,
  settings: NetSettings,
): HttpClient {
  const agents = agentsFor(chain);

  async function get<T>(
    url: string,
    request: HttpRequest,
    run: HopRunner,
    consume: (answer: HttpAnswer) => Promise<T>,
  ): Promise<T> {
    let target = policy.assertUrl(url);
    let headers = request.headers ?? {};
    for (let hop = 0; hop <= MAX_HOPS; hop++) {
      if (target.protocol !== "http:" && target.protocol !== "https:") {
        throw new HostNotAllowedError(`chain ${chain.key}: ${target.protocol} link where http was expected`);
      }
      const current = target;
      const result = await run(current.host, async (signal) => {
        const answer = await send(current, headers, { ...request, signal });
        return answer.location !== undefined ? answer : { value: await consumeAll(answer, consume, signal) };
      });
      if ("value" in result) return result.value;
      target = policy.assertUrl(result.location);
      if (target.origin !== current.origin) headers = withoutPrivate(headers);
    }
    throw new PortalStatusError(target.host, 310, `redirected more than ${MAX_HOPS} times`, { hostFailure: false });
  }

  /** One request: an answer of status 200, or where a redirect points. */
  async function send(url: URL, headers: Record<string, string>, request: HttpRequest) {
    request.signal.throwIfAborted();
    const stream = got.stream(url.href, {
      headers: {
        "user-agent": USER_AGENT,
        ...(request.decompress ? {} : { "accept-encoding": "identity" }),
        ...headers,
      },
      agent: agents.got,
      // A proxy resolves the name itself; without one every connection, redirected or not, is pinned to allowed addresses.
      ...(chain.proxy === null ? { dnsLookup: policy.lookup } : {}),
      cookieJar: cookies,
      ignoreInvalidCookies: true,
      followRedirect: false,
      throwHttpErrors: false,
      decompress: request.decompress,
      strictContentLength: false,
      retry: { limit: 0 },
      timeout: {
        connect: settings.connectTimeoutMs,
        secureConnect: settings.connectTimeoutMs,
        response: settings.responseTimeoutMs,
        request: request.totalTimeoutMs,
      },
      signal: request.signal,
    });
    const response = await responseOf(stream, url.host, request.signal);
    const location = response.headers.location;
    if (REDIRECTS.has(response.statusCode) && location !== undefined) {
      stream.destroy();
      if (!URL.canParse(location, url.href)) {
        throw new PortalStatusError(url.host, response.statusCode, "redirects to something that is no URL", {
          hostFailure: false,
        });
      }
      return { location: new URL(location, url).href };
    }
    if (response.statusCode !== 200) {
      stream.destroy();
      throw statusError(url.host, response);
    }
    const contentLength = lengthOf(response);
    return { location: undefined, url, host: url.host, headers: response.headers, contentLength, body: stream };
  }

  /** Guards the pace at which the body comes, and names what goes wrong. */
  async function consumeAll<T>(
    answer: Omit<HttpAnswer, "body"> & { body: Request },
    consume: (answer: HttpAnswer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { body, host } = answer;
    const paced = { received: () => body.downloadProgress.transferred, waitsForReader: () => body.readableLength > 0 };
    const watch = watchPace(host, paced, settings, (error) => body.destroy(error));
    try {
      return await consume(answer);
    } catch (error) {
      signal.throwIfAborted();
      // What the reader itself failed with (a full disk, too large) is not the host's fault.
      throw error instanceof RequestError || isPrematureClose(error) ? mapError(answer.host, error) : error;
    } finally {
      watch.stop();
      answer.body.destroy();
    }
  }

  return {
    get,
    close() {
      for (const agent of agents.all) agent.destroy();
    },
  };
}

function agentsFor(chain: Pick<Chain, "proxy" | "maxParallel">): { got: Agents; all: { destroy(): void }[] } {
  const options = { keepAlive: true, maxSockets: chain.maxParallel, maxFreeSockets: chain.maxParallel };
  const http = chain.proxy === null ? new HttpAgent(options) : new HttpProxyAgent({ ...options, proxy: chain.proxy });
  const https =
    chain.proxy === null ? new HttpsAgent(options) : new HttpsProxyAgent({ ...options, proxy: chain.proxy });
  return { got: { http, https }, all: [http, https] };
}

function responseOf(stream: Request, host: string, signal: AbortSignal): Promise<Response> {
  return new Promise((resolve, reject) => {
    stream.once("response", (response: Response) => {
      stream.off("error", fail);
      // An error between here and the reader's own listener must not be thrown at nobody.
      stream.on("error", () => {});
      resolve(response);
    });
    const fail = (error: unknown) => reject(signal.aborted ? signal.reason : mapError(host, error));
    stream.once("error", fail);
  });
}

function mapError(host: string, error: unknown): Error {
  if (error instanceof TimeoutError) {
    const limit = /(\d+)\s*ms/.exec(error.message)?.[1];
    return new HostTimeoutError(host, `timed out in phase "${error.event}"${limit ? ` after ${limit} ms` : ""}`);
  }
  return asNetError(host, error);
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}

function statusError(host: string, response: Response): Error {
  const retryAfterMs = readRetryAfter(response.headers["retry-after"]);
  if (response.statusCode === 429 || (response.statusCode === 503 && retryAfterMs !== undefined)) {
    const wait = retryAfterMs === undefined ? "" : ` for ${Math.ceil(retryAfterMs / 1000)} s`;
    const message = `host ${host}: asks to be left alone${wait} (status ${response.statusCode})`;
    return new HostBusyError(message, retryAfterMs === undefined ? {} : { retryAfterMs });
  }
  const hostFailure = response.statusCode >= 500;
  return new PortalStatusError(host, response.statusCode, "answered with an error", { hostFailure });
}

/** Retry-After in milliseconds: seconds or an HTTP date (RFC 9110 §10.2.3). */
function readRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function lengthOf(response: Response): number | null {
  const text = response.headers["content-length"];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

function withoutPrivate(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase())));
}
