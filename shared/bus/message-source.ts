/** A message that this process holds but has not acknowledged. Its bytes are loaded only for the call that handles it. */
export interface HeldMessage {
  readonly key: string;
  readonly headers: Record<string, string>;
  /** Size of the value, as JSON. */
  readonly bytes: number;
}

export type LoadedValue = { value: unknown } | { error: Error };

/** What a bus does for its consumer. A rejection of any of them means: no longer ours, it comes back by itself. */
export interface MessageSource<M extends HeldMessage> {
  load(messages: M[]): Promise<LoadedValue[]>;
  /** Durable when it resolves. */
  acknowledge(messages: M[]): Promise<void>;
  /** Puts the message on the dead-letter topic, durably; it is acknowledged afterwards. */
  bury(message: M, value: LoadedValue, headers: Record<string, string>): Promise<void>;
  /** There may be room for more. */
  roomChanged(): void;
}
