import { isEngineAway } from "../shared/engine-away.ts";
import { withRetry } from "../shared/retry.ts";

/** About two minutes: an engine that restarts, or answers late under load, is no reason to break off a wait of hours. */
const PATIENCE = { attempts: 30, initialDelayMs: 200, maxDelayMs: 5_000 };

/**
 * Asks an engine while waiting for others to work, and asks again while it is away.
 * @throws the last error when it stays away, or any other at once
 */
export async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return await withRetry(ask, {
    policy: PATIENCE,
    retryable: (error) => isEngineAway(error) && !signal.aborted,
  });
}
