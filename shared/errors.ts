/**
 * Error classes say what happens next. Callers branch on the class, never on the message.
 * Every message names what happened, to which file or host, and what to do about it.
 */

/** Base of every error that gogobe raises on purpose. `hint` tells a person what to do next. */
export class GogobeError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** May pass if tried again: network trouble, a busy server, a lost connection. Costs an attempt. */
export class RetryableError extends GogobeError {}

/**
 * An engine of ours (Kafka, the object store, PostgreSQL) is away or set up wrongly. What waits for it is not at fault, so this costs no
 * attempt: messages wait until the engine is back, however long that is.
 */
export class EngineAwayError extends RetryableError {}

/** The other side asked for patience; `retryAfterMs` is how long (undefined: the usual backoff). */
export class ThrottledError extends RetryableError {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { cause?: unknown; hint?: string; retryAfterMs?: number } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * A portal answered, but not with the listing that its family knows: says which selector or key was missing. Never to be taken for
 * "no files". May pass (a maintenance page), so it is tried again.
 */
export class LayoutNotRecognisedError extends RetryableError {}

/** Trying again cannot help: the message goes to the dead-letter topic at once. */
export class PermanentError extends GogobeError {}

/** A file that no reader can use. It is quarantined in the ledger, then dead-lettered; the next message goes on. */
export class UnreadableFileError extends PermanentError {}

/** The setting, flag or file that a person gave is wrong. Exit code 2, no stack. */
export class UsageError extends GogobeError {}

/** True when trying again may help: anything that is not known to be permanent. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof PermanentError || error instanceof UsageError);
}

/** The text of anything thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
