import { errorMessage, PermanentError, RetryableError, ThrottledError } from "../errors.ts";

/** The host did not answer, or stopped answering: time-out, reset, refused connection, unknown name, broken TLS. Counts against the host. */
export class HostUnreachableError extends RetryableError {
  readonly host: string;

  constructor(host: string, what: string, options: { cause?: unknown; hint?: string } = {}) {
    super(`host ${host}: ${what}`, options);
    this.host = host;
  }
}

/** The host was too slow; the message names the phase and the limit. */
export class HostTimeoutError extends HostUnreachableError {}

/** The host answered with a status that is no file. `status` is HTTP's, or FTP's reply code. */
export class PortalStatusError extends RetryableError {
  readonly host: string;
  readonly status: number;
  /** The host is in trouble (5xx), not just this one file missing. */
  readonly hostFailure: boolean;
  /** Worth another try at once, though it says nothing of the host: one account may have too many logins. */
  readonly passing: boolean;

  constructor(
    host: string,
    status: number,
    what: string,
    options: { hostFailure: boolean; passing?: boolean; cause?: unknown },
  ) {
    super(`host ${host}: ${what} (status ${status})`, options);
    this.host = host;
    this.status = status;
    this.hostFailure = options.hostFailure;
    this.passing = options.passing ?? options.hostFailure;
  }
}

/** The host asks for patience (429, or 503 with Retry-After), or is left alone after too many failures. */
export class HostBusyError extends ThrottledError {}

/** More bytes than allowed. */
export class BodyTooLargeError extends PermanentError {}

/** Fewer bytes than announced: the connection was cut. */
export class TruncatedBodyError extends RetryableError {}

/** An error that says something about the host, not about one file or one account: these open the circuit. */
export function isHostFailure(error: unknown): boolean {
  if (error instanceof HostUnreachableError || error instanceof TruncatedBodyError) return true;
  if (error instanceof HostBusyError) return true;
  return error instanceof PortalStatusError && error.hostFailure;
}

/** What is tried again inside one call. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isHostFailure(error) || (error instanceof PortalStatusError && error.passing);
}

/** Our own errors as they are; anything else from a socket as HostUnreachableError. Never carries a URL. */
export function asNetError(host: string, error: unknown): Error {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof RetryableError || cause instanceof PermanentError) return cause;
  }
  const code = codeOf(error);
  const what = code === undefined ? errorMessage(error).replace(/\S+:\/\/\S+/g, "[address]") : describe(code);
  return new HostUnreachableError(host, what);
}

/** The code that says most: one with a meaning, of the error or of what caused it, else the outermost. */
function codeOf(error: unknown): string | undefined {
  const codes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") codes.push(cause.code);
  }
  return codes.find((code) => code in MEANING) ?? codes[0];
}

const MEANING: Record<string, string> = {
  ENOTFOUND: "the name is not known to DNS",
  EAI_AGAIN: "DNS did not answer",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was cut",
  ETIMEDOUT: "the connection timed out",
  EPIPE: "the connection was cut",
  ERR_STREAM_PREMATURE_CLOSE: "the connection was cut before the end of the body",
  Z_DATA_ERROR: "the body is not compressed the way its header says",
  Z_BUF_ERROR: "the compressed body was cut short",
  HPE_HEADER_OVERFLOW: "the headers of the answer are too large",
};

const NOT_HTTP = "the answer is broken HTTP, or longer than it announces";

function describe(code: string): string {
  // The codes of Node's HTTP parser; bytes beyond the announced length look like a broken next answer.
  const meaning = MEANING[code] ?? (code.startsWith("HPE_") ? NOT_HTTP : undefined);
  return meaning === undefined ? `the request failed with ${code}` : `${meaning} (${code})`;
}
