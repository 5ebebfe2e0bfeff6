import { backoffDelayMs } from "../retry.ts";

/** What one message has seen of engines that were away. */
export interface OutageRecord {
  /** Failures because an engine was away: they cost no attempt. */
  failures: number;
  /** When the first of them was, in milliseconds since 1970. */
  since: number;
  /** How many calls of its consumer had succeeded by the last of them. */
  successes: number;
}

/** Short enough to go on soon after the engine came back. */
const POLICY = { attempts: Number.POSITIVE_INFINITY, initialDelayMs: 250, maxDelayMs: 5_000 };
/** Others succeed and this message still finds an engine away after this long: then it is the message. */
const BELIEVED_MS = 10 * 60_000;

export function noOutage(): OutageRecord {
  return { failures: 0, since: 0, successes: 0 };
}

/**
 * True while an engine may really be away, false when it must be the message that only makes it look so (a row that crashes the server).
 * Calls that succeed meanwhile say that the engine is there, but one message may need what the others did not.
 * @param successes calls of this consumer that succeeded so far
 */
export function believesOutage(records: readonly OutageRecord[], successes: number): boolean {
  const believedFrom = Date.now() - BELIEVED_MS;
  return records.every(
    (record) => record.failures === 0 || record.since > believedFrom || record.successes === successes,
  );
}

/** Notes one more failure of a call on each of its messages. Returns how long the call waits, in milliseconds. */
export function noteOutage(records: readonly OutageRecord[], successes: number): number {
  for (const record of records) {
    record.failures += 1;
    record.since ||= Date.now();
    record.successes = successes;
  }
  return backoffDelayMs(POLICY, Math.max(...records.map(({ failures }) => failures)));
}
