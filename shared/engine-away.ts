import { EngineAwayError } from "./errors.ts";

/** SQLSTATE: connection trouble, no resources left (disk, memory, connections), shutting down or starting up, a standby. */
const AWAY_STATE = /^(08...|53...|57P0[1-5]|25006)$/;
const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);
/** What the PostgreSQL driver says without a code. */
const DRIVER_SAYS = [
  "Connection terminated",
  "timeout exceeded when trying to connect",
  "Client has encountered a connection error",
  "Client was closed and is not queryable",
];

/**
 * True when an engine of ours is away, so that what failed is not at fault. Portals are told apart by their class: the network layer
 * never lets a bare socket error through.
 */
export function isEngineAway(error: unknown): boolean {
  if (error instanceof EngineAwayError) return true;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isEngineAway);
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (CONNECTION_CODES.has(code) || AWAY_STATE.test(code)) return true;
  return code === "" && DRIVER_SAYS.some((text) => error.message.startsWith(text));
}
