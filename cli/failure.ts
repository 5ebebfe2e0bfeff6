import { CommanderError } from "commander";
import { errorMessage, GogobeError, UsageError } from "../shared/errors.ts";

/** A command did its work, and part of that work failed: what failed is already printed. Exit code 1, nothing more to say. */
export class ReportedFailure extends Error {}

/** 0 help and version, 2 wrong usage, 1 everything else. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof UsageError ? 2 : 1;
}

/** What a person reads of an error: what happened, why, what to do next. The stack only when `verbose`. */
export function describeError(error: unknown, verbose: boolean): string {
  if (error instanceof ReportedFailure) return error.message;
  const lines = [`gogobe: ${errorMessage(error) || nameOf(error)}`];
  for (const reason of reasonsOf(error)) lines.push(`  because: ${reason}`);
  const hint = hintOf(error);
  if (hint !== undefined) lines.push(`  what to do: ${hint}`);
  if (verbose && error instanceof Error && error.stack) lines.push(error.stack);
  else if (!(error instanceof GogobeError)) lines.push("  what to do: run it again with --verbose for the details");
  return lines.join("\n");
}

/** The messages of the causes that say more than the error itself does. */
function reasonsOf(error: unknown): string[] {
  const reasons: string[] = [];
  let said = errorMessage(error);
  for (let cause = causeOf(error); cause !== undefined && reasons.length < 5; cause = causeOf(cause)) {
    const reason = errorMessage(cause);
    if (reason !== "" && !said.includes(reason)) reasons.push(reason);
    said += reason;
  }
  return reasons;
}

/** The innermost cause; of several at once (a refused connection on every address) the first. */
function causeOf(error: unknown): unknown {
  if (error instanceof AggregateError) return error.errors[0];
  return error instanceof Error ? error.cause : undefined;
}

function hintOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = causeOf(at)) {
    if (at instanceof GogobeError && at.hint !== undefined) return at.hint;
  }
  return undefined;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? ("code" in error && String(error.code)) || error.name : String(error);
}
