import { errorMessage } from "../errors.ts";
import { redactUrlsIn } from "../observability/redact-text.ts";

/** Headers that a dead letter carries besides those of the original message. */
export const DEAD_LETTER_HEADERS = [
  "error-class",
  "error-message",
  "stack-top",
  "stage",
  "attempts",
  "first-failure",
  "last-failure",
] as const;

/** What is known of a message that is given up. Times are milliseconds since the epoch. */
export interface Failure {
  error: unknown;
  stage: string;
  attempts: number;
  firstFailureAt: number;
  lastFailureAt: number;
}

const MESSAGE_LIMIT = 2_000;
const STACK_LINES = 4;

/** The original headers plus the reason. Link signatures inside error texts are cut off. */
export function deadLetterHeaders(original: Record<string, string>, failure: Failure): Record<string, string> {
  const { error } = failure;
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const frames = stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  return {
    ...original,
    "error-class": error instanceof Error ? error.name : typeof error,
    "error-message": redactUrlsIn(errorMessage(error)).slice(0, MESSAGE_LIMIT),
    "stack-top": redactUrlsIn(
      frames
        .slice(0, STACK_LINES)
        .map((line) => line.trim())
        .join("\n"),
    ),
    stage: failure.stage,
    attempts: String(failure.attempts),
    "first-failure": new Date(failure.firstFailureAt).toISOString(),
    "last-failure": new Date(failure.lastFailureAt).toISOString(),
  };
}

/** The headers of the message as it was first published: what a replay sends. */
export function withoutFailureHeaders(headers: Record<string, string>): Record<string, string> {
  const failure: readonly string[] = DEAD_LETTER_HEADERS;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !failure.includes(name)));
}
