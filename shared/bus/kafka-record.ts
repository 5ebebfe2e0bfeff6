import type { HeldMessage, LoadedValue } from "./message-source.ts";
import { parseValue } from "./payload-codec.ts";
import type { KafkaRecord } from "./kafka-loader.ts";
import type { OffsetTracker } from "./offset-tracker.ts";

/** A message that this process has read and not finished. */
export interface ReadMessage extends HeldMessage {
  readonly value: Buffer | null;
  readonly offset: number;
  readonly tracker: OffsetTracker;
}

export function readMessage(record: KafkaRecord, tracker: OffsetTracker): ReadMessage {
  return {
    key: keyOf(record),
    headers: headersOf(record),
    bytes: record.size,
    value: record.value,
    offset: record.offset,
    tracker,
  };
}

/** The JSON of a message, or why it is none. */
export function loadedValue(message: ReadMessage): LoadedValue {
  if (message.value === null) return { error: new Error("a message without a value") };
  try {
    return { value: parseValue(message.value) };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

export function keyOf(record: KafkaRecord): string {
  return record.key?.toString() ?? "";
}

/** Kafka keeps a list of headers; of several with one name the last counts. */
export function headersOf(record: KafkaRecord): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const entry of record.headers ?? []) {
    for (const [name, value] of Object.entries(entry)) headers[name] = value.toString();
  }
  return headers;
}
