/** A message to publish. `value` is JSON. */
export interface OutgoingMessage {
  key: string;
  value: unknown;
  headers?: Record<string, string>;
}

/** A message as a handler gets it. */
export interface Delivery {
  topic: string;
  key: string;
  /** Parsed JSON, not yet validated. */
  value: unknown;
  headers: Record<string, string>;
  /** 1 for the first try. */
  attempt: number;
}

export interface RetryPolicy {
  /** Tries in all, the first included. */
  attempts: number;
  initialDelayMs: number;
  maxDelayMs: number;
}

export interface ConsumeOptions {
  topic: string;
  group: string;
  /** Handler calls under way at once in this process: the bound on what is in flight. */
  concurrency: number;
  /** Messages per handler call at the most. */
  maxBatch: number;
  /** How long to wait for a call to fill up, in milliseconds. 0: hand over what is there. */
  lingerMs: number;
  retry: RetryPolicy;
  /**
   * True (default): calls that share a message key never overlap and run in published order while nothing fails.
   * False: a consumer that orders by itself takes several calls of one key at once.
   */
  serialKeys?: boolean;
  /** Called with the stage name for dead-letter headers. */
  stage: string;
  /**
   * Effects must be durable when it resolves: only then are the messages acknowledged. If it throws for a call of several
   * messages, each is tried again alone, so one poisoned message costs nothing but itself. PermanentError goes to the
   * dead-letter topic at once, anything else after the attempts are used up.
   */
  handler(deliveries: Delivery[], signal: AbortSignal): Promise<void>;
  /** Told of every message that goes to the dead-letter topic, after it is durable there. */
  onDeadLetter?(delivery: Delivery, error: unknown): Promise<void> | void;
}

export interface Consumer {
  /** Takes no new messages, lets running handlers end within the deadline, acknowledges them. What is unfinished comes back. */
  stop(deadlineMs?: number): Promise<void>;
}

/** Lag of one partition (embedded: one row per topic, partition 0). Offsets count messages. */
export interface PartitionLag {
  topic: string;
  partition: number;
  group: string;
  endOffset: number;
  /** Null while the group has committed nothing here: then all that the partition holds is its lag. */
  committedOffset: number | null;
  lag: number;
}

export interface DeadLetter {
  /** Names one dead letter for `show` and `replay`, among those of all topics. */
  id: string;
  topic: string;
  key: string;
  value: unknown;
  headers: Record<string, string>;
}

/**
 * At-least-once message bus. All implementations pass one contract suite.
 * Delivery: a message is handed over until acknowledged; what a process held when it died comes back at once.
 */
export interface Bus {
  /** Resolves once every message is durable. Splits nothing: a message over MAX_MESSAGE_BYTES is a PermanentError. */
  publish(topic: string, messages: OutgoingMessage[]): Promise<void>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** All partitions of all topics of a group (all groups when omitted). */
  lag(group?: string): Promise<PartitionLag[]>;
  /** Dead letters of a topic, oldest first, that were not replayed yet: the first 100, the first `limit`, or those named by `ids`. */
  deadLetters(topic: string, options?: { limit?: number; ids?: readonly string[] }): Promise<DeadLetter[]>;
  /** Publishes dead letters again on their topic and takes them off the list. Returns how many. */
  replayDeadLetters(topic: string, ids?: string[]): Promise<number>;
  /** Creates what is missing: topics with their dead-letter topics. Safe to repeat, safe when two processes do it at once. */
  ensureTopics(): Promise<void>;
  /** Cheap round trip for readiness probes. Throws when the bus cannot be reached. */
  ping(): Promise<void>;
  /** Drains consumers and flushes producers. */
  close(): Promise<void>;
}
