import { isEngineAway } from "../engine-away.ts";
import { isRetryable } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { backoffDelayMs, withRetry } from "../retry.ts";
import type { ConsumeOptions, Delivery } from "./bus.ts";
import { BusyKeys } from "./busy-keys.ts";
import { deadLetterHeaders } from "./dead-letter.ts";
import type { HeldMessage, LoadedValue, MessageSource } from "./message-source.ts";
import { believesOutage, noOutage, noteOutage, type OutageRecord } from "./outage.ts";
import { settlesWithin } from "../waiting.ts";

interface Slot<M> {
  message: M;
  sequence: number;
  arrivedAt: number;
  /** Failed calls that count. A call of several messages that fails counts for none of them. */
  failures: number;
  firstFailureAt: number;
  outage: OutageRecord;
  /** Only in a call of its own, because a call with others failed. */
  alone: boolean;
}

interface Call<M> {
  slots: Slot<M>[];
  finished: Promise<void>;
}

/** A handler call gets no more than this in JSON bytes (one message at least), and a consumer holds no more than four times it. */
const CALL_BYTES = 16 * 1024 * 1024;
const HELD_BYTES = 4 * CALL_BYTES;
/** Messages that wait for their turn or their next try, beyond those that could run. */
const WAITING_LIMIT = 500;
const ABORT_GRACE_MS = 1_000;
const DEAD_LETTER_HOOK_POLICY = { attempts: 5, initialDelayMs: 100, maxDelayMs: 2_000 };

/**
 * The part of a consumer that is the same on every bus: forms handler calls out of held messages, keeps keys serial, bounds what
 * is under way, retries with backoff and gives up to the dead-letter topic.
 */
export class Dispatcher<M extends HeldMessage> {
  readonly #options: ConsumeOptions;
  readonly #source: MessageSource<M>;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #serial: boolean;
  readonly #abort = new AbortController();
  /** In order of arrival. */
  #ready: Slot<M>[] = [];
  readonly #calls = new Set<Call<M>>();
  readonly #parked = new Map<Slot<M>, NodeJS.Timeout>();
  readonly #busyKeys = new BusyKeys();
  #sequence = 0;
  /** Calls that succeeded: what tells a missing engine from a message that only looks like one. */
  #successes = 0;
  /** No call starts before this, since an engine is away. */
  #holdUntil = 0;
  #linger: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: ConsumeOptions, source: MessageSource<M>, log: Log, metrics: Metrics) {
    this.#options = options;
    this.#source = source;
    this.#log = log.child({ topic: options.topic, group: options.group });
    this.#metrics = metrics;
    this.#serial = options.serialKeys ?? true;
  }

  /** How many more messages may be offered now. Messages that wait behind their own key do not keep others out. */
  room(): number {
    if (this.#stopping) return 0;
    let bytes = 0;
    let runnable = 0;
    let waiting = this.#parked.size;
    for (const slot of this.#ready) {
      bytes += slot.message.bytes;
      if (this.#serial && this.#busyKeys.has(slot.message.key)) waiting += 1;
      else runnable += 1;
    }
    for (const call of this.#calls) {
      runnable += call.slots.length;
      for (const slot of call.slots) bytes += slot.message.bytes;
    }
    if (bytes >= HELD_BYTES || waiting >= WAITING_LIMIT) return 0;
    return Math.max(0, this.#options.concurrency * this.#options.maxBatch - runnable);
  }

  /** Takes messages over, in their published order. */
  offer(messages: M[]): void {
    const arrivedAt = performance.now();
    for (const message of messages) {
      this.#ready.push({
        message,
        sequence: this.#sequence++,
        arrivedAt,
        failures: 0,
        firstFailureAt: 0,
        outage: noOutage(),
        alone: false,
      });
    }
    this.#pump();
  }

  /** Everything held: waiting, parked or inside a handler call. */
  held(): M[] {
    const running = [...this.#calls].flatMap((call) => call.slots);
    return [...this.#ready, ...this.#parked.keys(), ...running].map((slot) => slot.message);
  }

  /** Forgets messages that are no longer ours and are not inside a call. */
  forget(isGone: (message: M) => boolean): void {
    this.#ready = this.#ready.filter((slot) => !isGone(slot.message));
    // Its timer may be that of others too: it finds nothing to do for this one.
    for (const slot of this.#parked.keys()) {
      if (!isGone(slot.message)) continue;
      this.#parked.delete(slot);
      this.#busyKeys.release(slot.message.key);
    }
    this.#source.roomChanged();
  }

  /** Resolves true when no call that holds a matching message is left, false when the time is over first. */
  async idle(concerns: (message: M) => boolean, timeoutMs: number): Promise<boolean> {
    const calls = [...this.#calls].filter((call) => call.slots.some((slot) => concerns(slot.message)));
    return await settlesWithin(Promise.all(calls.map((call) => call.finished)), timeoutMs);
  }

  /**
   * Starts no more calls and lets the running ones end. After the deadline their signal aborts.
   * @returns the messages that are unfinished, in order
   */
  async drain(deadlineMs: number): Promise<M[]> {
    this.#stopping = true;
    clearTimeout(this.#linger);
    for (const timer of this.#parked.values()) clearTimeout(timer);
    const everything = () => true;
    if (!(await this.idle(everything, deadlineMs))) {
      this.#abort.abort(new Error("the consumer stops"));
      await this.idle(everything, ABORT_GRACE_MS);
    }
    const unfinished = this.held();
    this.#ready = [];
    this.#parked.clear();
    return unfinished;
  }

  #pump(): void {
    clearTimeout(this.#linger);
    while (!this.#stopping && this.#calls.size < this.#options.concurrency) {
      const { slots, full } = this.#nextCall();
      const [first] = slots;
      if (first === undefined) return;
      const fillsUntil = full || first.alone ? 0 : first.arrivedAt + this.#options.lingerMs;
      const waitMs = Math.max(fillsUntil, this.#holdUntil) - performance.now();
      if (waitMs > 0) {
        this.#linger = setTimeout(() => this.#pump(), Math.ceil(waitMs));
        return;
      }
      this.#start(slots);
    }
  }

  /** The messages of the next call, oldest first. `full`: waiting cannot add to it. */
  #nextCall(): { slots: Slot<M>[]; full: boolean } {
    const slots: Slot<M>[] = [];
    const passedOver = new Set<string>();
    let bytes = 0;
    for (const slot of this.#ready) {
      const { key } = slot.message;
      if (this.#serial && (this.#busyKeys.has(key) || passedOver.has(key))) continue;
      if (slot.alone) {
        if (slots.length === 0) return { slots: [slot], full: true };
        passedOver.add(key);
        continue;
      }
      if (slots.length > 0 && bytes + slot.message.bytes > CALL_BYTES) return { slots, full: true };
      slots.push(slot);
      bytes += slot.message.bytes;
      if (slots.length === this.#options.maxBatch) return { slots, full: true };
    }
    return { slots, full: false };
  }

  #start(slots: Slot<M>[]): void {
    const taken = new Set(slots);
    this.#ready = this.#ready.filter((slot) => !taken.has(slot));
    for (const slot of slots) this.#busyKeys.hold(slot.message.key);
    const call: Call<M> = { slots, finished: Promise.resolve() };
    this.#calls.add(call);
    call.finished = this.#run(call)
      .catch((error: unknown) => this.#log.warn({ err: error }, "messages were given back to the bus"))
      .finally(() => {
        this.#calls.delete(call);
        for (const slot of slots) this.#busyKeys.release(slot.message.key);
        this.#pump();
        this.#source.roomChanged();
      });
  }

  async #run(call: Call<M>): Promise<void> {
    const values = await this.#source.load(call.slots.map((slot) => slot.message));
    const good: Slot<M>[] = [];
    const deliveries: Delivery[] = [];
    for (const [index, slot] of call.slots.entries()) {
      const loaded = values[index];
      if (loaded === undefined) continue;
      if ("error" in loaded) {
        await this.#giveUp(slot, loaded, loaded.error);
        continue;
      }
      good.push(slot);
      deliveries.push(this.#delivery(slot, loaded.value));
    }
    if (good.length === 0) return;
    try {
      await this.#options.handler(deliveries, this.#abort.signal);
    } catch (error) {
      await this.#failed(call, good, deliveries, error);
      return;
    }
    this.#successes += 1;
    await this.#source.acknowledge(good.map((slot) => slot.message));
    call.slots = [];
  }

  #delivery(slot: Slot<M>, value: unknown): Delivery {
    const { key, headers } = slot.message;
    return { topic: this.#options.topic, key, value, headers, attempt: slot.failures + 1 };
  }

  async #failed(call: Call<M>, slots: Slot<M>[], deliveries: Delivery[], error: unknown): Promise<void> {
    // A handler that was told to stop has not failed: its messages stay unfinished.
    if (this.#abort.signal.aborted) {
      this.#putBack(slots);
      return;
    }
    const outages = slots.map((each) => each.outage);
    if (isEngineAway(error) && believesOutage(outages, this.#successes)) {
      this.#waitOut(call, slots, error, noteOutage(outages, this.#successes));
      return;
    }
    const [slot] = slots;
    const [delivery] = deliveries;
    if (slot === undefined || delivery === undefined) return;
    if (slots.length > 1) {
      this.#log.warn({ err: error, messages: slots.length }, "a call of several messages failed: each is tried alone");
      for (const each of slots) each.alone = true;
      call.slots = [];
      this.#putBack(slots);
      return;
    }
    slot.failures += 1;
    slot.firstFailureAt ||= Date.now();
    if (!isRetryable(error) || slot.failures >= this.#options.retry.attempts) {
      await this.#giveUp(slot, { value: delivery.value }, error);
      return;
    }
    const delayMs = backoffDelayMs(this.#options.retry, slot.failures, error);
    this.#metrics.retriesTotal.inc({ stage: this.#options.stage });
    this.#log.warn({ err: error, key: slot.message.key, attempt: slot.failures, delayMs }, "will be tried again");
    call.slots = [];
    this.#park([slot], delayMs);
  }

  /** The whole call waits, together and at no cost. Others start no sooner than after half of that, so that they do not all pile up. */
  #waitOut(call: Call<M>, slots: Slot<M>[], error: unknown, delayMs: number): void {
    this.#holdUntil = Math.max(this.#holdUntil, performance.now() + delayMs / 2);
    this.#metrics.retriesTotal.inc({ stage: this.#options.stage });
    this.#log.warn(
      { err: error, messages: slots.length, delayMs },
      "an engine is away: waiting for it costs no attempt",
    );
    call.slots = [];
    this.#park(slots, delayMs);
  }

  #park(slots: Slot<M>[], delayMs: number): void {
    const timer = setTimeout(() => {
      const parked = slots.filter((slot) => this.#parked.delete(slot));
      for (const slot of parked) this.#busyKeys.release(slot.message.key);
      this.#putBack(parked);
      this.#pump();
    }, delayMs);
    for (const slot of slots) {
      this.#busyKeys.hold(slot.message.key);
      this.#parked.set(slot, timer);
    }
    if (this.#stopping) clearTimeout(timer);
  }

  #putBack(slots: Slot<M>[]): void {
    this.#ready.push(...slots);
    this.#ready.sort((a, b) => a.sequence - b.sequence);
  }

  /** Dead letter first, then whoever wants to know, then the acknowledgement: a crash in between repeats, it never loses. */
  async #giveUp(slot: Slot<M>, loaded: LoadedValue, error: unknown): Promise<void> {
    const options = this.#options;
    const now = Date.now();
    const failure = {
      error,
      stage: options.stage,
      attempts: Math.max(1, slot.failures),
      firstFailureAt: slot.firstFailureAt || now,
      lastFailureAt: now,
    };
    const { message } = slot;
    await this.#source.bury(message, loaded, deadLetterHeaders(message.headers, failure));
    this.#metrics.deadLettersTotal.inc({ topic: options.topic });
    this.#log.error({ err: error, key: message.key, attempts: failure.attempts }, "went to the dead-letter topic");
    const delivery = this.#delivery(slot, "value" in loaded ? loaded.value : null);
    try {
      await withRetry(async () => await options.onDeadLetter?.(delivery, error), { policy: DEAD_LETTER_HOOK_POLICY });
    } catch (hookError) {
      this.#log.error({ err: hookError, key: message.key }, "the stage could not take note of a dead letter");
    }
    await this.#source.acknowledge([message]);
    for (const call of this.#calls) call.slots = call.slots.filter((each) => each !== slot);
  }
}
