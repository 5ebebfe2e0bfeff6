import { EngineAwayError, errorMessage, GogobeError, PermanentError } from "../errors.ts";

const TOO_LARGE = 10;
/** From the broker; from the client for a topic, and for a partition of it. */
const UNKNOWN_TOPIC = [3, -188, -190];
const NOT_ALLOWED = [29, 30, 31];
const AUTHENTICATION = [58, -169];
/** The client is finished: a new one must be made. */
const FATAL = [-150, -144];

export function kafkaCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}

export function isFatal(error: unknown): boolean {
  return FATAL.includes(kafkaCode(error) ?? 0);
}

/** What a person can do about an error of Kafka while `doing` something ("publishing to gogobe.files.discovered"). */
export function explainKafkaError(error: unknown, doing: string): GogobeError {
  if (error instanceof GogobeError) return error;
  const code = kafkaCode(error) ?? 0;
  const message = `Kafka refused ${doing}: ${errorMessage(error)}`;
  if (code === TOO_LARGE) {
    return new PermanentError(message, { cause: error, hint: "raise max.message.bytes of the topic and the broker" });
  }
  if (UNKNOWN_TOPIC.includes(code)) {
    return new EngineAwayError(message, { cause: error, hint: "create the topics: gogobe topics create" });
  }
  if (NOT_ALLOWED.includes(code) || AUTHENTICATION.includes(code)) {
    return new EngineAwayError(message, {
      cause: error,
      hint: "check KAFKA_USERNAME, KAFKA_PASSWORD and the user's rights",
    });
  }
  return new EngineAwayError(message, {
    cause: error,
    hint: "are the brokers of KAFKA_BROKERS up? gogobe doctor checks them",
  });
}
