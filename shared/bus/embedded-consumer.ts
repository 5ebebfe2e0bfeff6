import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { ConsumeOptions, Consumer } from "./bus.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { ClaimedMessage, EmbeddedQueue } from "./embedded-queue.ts";
import { queueOf } from "./embedded-schema.ts";
import type { EmbeddedSession } from "./embedded-session.ts";
import { settlesWithin, WakeSignal } from "../waiting.ts";

/** Arrivals are announced; this is only for announcements that got lost with a connection. */
const IDLE_MS = 5_000;
const AFTER_ERROR_MS = 500;
const DRAIN_MS = 30_000;
const LOOP_END_MS = 10_000;

interface Acknowledgement {
  ids: string[];
  done: PromiseWithResolvers<void>;
}

/** Claims messages of one queue as there is room, and acknowledges them in batches: what ends during one transaction shares the next. */
export class EmbeddedConsumer implements Consumer {
  readonly queue: string;
  readonly #options: ConsumeOptions;
  readonly #store: EmbeddedQueue;
  readonly #session: EmbeddedSession;
  readonly #log: Log;
  readonly #dispatcher: Dispatcher<ClaimedMessage>;
  readonly #wake = new WakeSignal();
  readonly #loop: Promise<void>;
  #waitingAcks: Acknowledgement[] = [];
  #acking = false;
  #uncertain = false;
  #stopping: Promise<void> | undefined;

  constructor(options: ConsumeOptions, store: EmbeddedQueue, session: EmbeddedSession, log: Log, metrics: Metrics) {
    this.queue = queueOf(options.topic, options.group);
    this.#options = options;
    this.#store = store;
    this.#session = session;
    this.#log = log;
    this.#dispatcher = new Dispatcher<ClaimedMessage>(
      options,
      {
        load: async (messages) => await this.#sure(store.load(this.queue, messages)),
        acknowledge: async (messages) => await this.#sure(this.#acknowledge(messages.map(({ id }) => id))),
        bury: async (message, _value, headers) =>
          await this.#sure(store.bury(options.topic, this.queue, message, headers)),
        roomChanged: () => this.#wake.wake(),
      },
      log,
      metrics,
    );
    this.#loop = this.#claimWhileRunning();
  }

  /** Passes a result on; after a failure it is not known which messages this process holds. */
  async #sure<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#uncertain = true;
      throw error;
    }
  }

  /** Messages may have arrived. */
  wake(): void {
    this.#wake.wake();
  }

  async stop(deadlineMs = DRAIN_MS): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    await this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#wake.wake();
    // While the database is away the loop waits for it; stopping does not.
    await Promise.all([settlesWithin(this.#loop, LOOP_END_MS), this.#dispatcher.drain(deadlineMs)]);
    try {
      await this.#store.giveBackExcept(this.queue, this.#session.instance, []);
    } catch (error) {
      this.#log.warn({ err: error, queue: this.queue }, "unfinished messages come back when this process ends");
    }
  }

  async #claimWhileRunning(): Promise<void> {
    const serial = this.#options.serialKeys ?? true;
    for (;;) {
      await this.#session.ready();
      if (this.#stopping !== undefined) return;
      const room = this.#dispatcher.room();
      const claimed = room > 0 ? await this.#claim(room, serial) : [];
      if (claimed.length === 0) await this.#wake.wait(IDLE_MS);
    }
  }

  async #claim(room: number, serial: boolean): Promise<ClaimedMessage[]> {
    const { instance } = this.#session;
    try {
      if (this.#uncertain) {
        await this.#store.giveBackExcept(this.queue, instance, this.#heldIds());
        this.#uncertain = false;
      }
      const claimed = await this.#store.claim(this.queue, instance, room, serial);
      if (this.#stopping !== undefined && claimed.length > 0) {
        // Not handed out any more; `stop` may have given back already what it knew of.
        await this.#store.giveBack(
          this.queue,
          instance,
          claimed.map(({ id }) => id),
        );
        return [];
      }
      // After an outage others may have given our messages back while their handlers still run here: those go on under the new claim.
      const here = new Set(this.#heldIds());
      this.#dispatcher.offer(claimed.filter((message) => !here.has(message.id)));
      return claimed;
    } catch (error) {
      this.#uncertain = true;
      this.#log.warn({ err: error, queue: this.queue }, "could not take messages from the queue");
      await sleep(AFTER_ERROR_MS);
      return [];
    }
  }

  #heldIds(): string[] {
    return this.#dispatcher.held().map((message) => message.id);
  }

  async #acknowledge(ids: string[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waitingAcks.push({ ids, done });
    if (!this.#acking) void this.#acknowledgeWaiting();
    await done.promise;
  }

  async #acknowledgeWaiting(): Promise<void> {
    this.#acking = true;
    while (this.#waitingAcks.length > 0) {
      const group = this.#waitingAcks;
      this.#waitingAcks = [];
      try {
        await this.#store.remove(
          this.queue,
          this.#session.instance,
          group.flatMap((each) => each.ids),
        );
        for (const each of group) each.done.resolve();
      } catch (error) {
        for (const each of group) each.done.reject(error);
      }
    }
    this.#acking = false;
  }
}
