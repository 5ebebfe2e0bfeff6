import { randomUUID } from "node:crypto";
import type pg from "pg";
import { errorMessage } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import { HostBusyError } from "./net-errors.ts";

/** How long a lease outlives a process that died, and how often a living one renews it. */
const LEASE_SECONDS = 30;
const RENEW_MS = 10_000;
/** A leased slot is handed on inside the process this long before others get their turn: 5,000 small files cost no 10,000 round trips. */
const REUSE_MS = 1_000;
const SWEEP_MS = 500;
/** Pause between two looks for a free slot, jittered. */
const POLL_MIN_MS = 50;
const POLL_MAX_MS = 250;
/** A process that others wait for stays away from a host this long after it gave its slots back. */
const YIELD_MS = 400;

/** Polite limit per host that holds over every process on one database (architecture §3.8). */
export interface HostSlots {
  /**
   * Waits for one of `limit` slots of a host; first come, first served inside a process. The returned function gives it back.
   * @throws {HostBusyError} when none came free within `waitMs`
   */
  acquire(host: string, limit: number, options: { waitMs: number; signal?: AbortSignal }): Promise<() => void>;
  /** Gives every lease back. */
  close(): Promise<void>;
}

interface Lease {
  slot: number;
  leasedAt: number;
  inUse: boolean;
  idleSince: number;
}

interface Waiter {
  grant(lease: Lease): void;
  limit: number;
}

interface HostState {
  host: string;
  leases: Set<Lease>;
  waiters: Set<Waiter>;
  filling: boolean;
  yieldUntil: number;
  rowsEnsured: number;
}

/** Leases rows of `host_slots`: one owner per call of this function. */
export function createHostSlots(db: Pick<pg.Pool, "query">, log: Log): HostSlots {
  const owner = randomUUID();
  const hosts = new Map<string, HostState>();
  const rows = slotRows(db, owner);
  const ended = new AbortController();
  let renewedAt = Date.now();
  let sweeping: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function stateOf(host: string): HostState {
    let state = hosts.get(host);
    if (!state) {
      state = { host, leases: new Set(), waiters: new Set(), filling: false, yieldUntil: 0, rowsEnsured: 0 };
      hosts.set(host, state);
    }
    return state;
  }

  async function acquire(host: string, limit: number, options: { waitMs: number; signal?: AbortSignal }) {
    options.signal?.throwIfAborted();
    timer ??= setInterval(() => (sweeping = sweeping.then(sweep)), SWEEP_MS).unref();
    const state = stateOf(host);
    const ready = reusable(state, limit);
    const lease = ready ?? (await waitForLease(state, limit, options));
    let held = true;
    return () => {
      if (held) release(state, lease);
      held = false;
    };
  }

  function waitForLease(state: HostState, limit: number, options: { waitMs: number; signal?: AbortSignal }) {
    return new Promise<Lease>((resolve, reject) => {
      const leave = () => {
        clearTimeout(deadline);
        options.signal?.removeEventListener("abort", abort);
        state.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        limit,
        grant(lease) {
          leave();
          lease.inUse = true;
          resolve(lease);
        },
      };
      const abort = () => {
        leave();
        reject(options.signal?.reason);
      };
      const deadline = setTimeout(() => {
        leave();
        reject(new HostBusyError(`host ${state.host}: none of its ${limit} slots came free in ${options.waitMs} ms`));
      }, options.waitMs);
      options.signal?.addEventListener("abort", abort, { once: true });
      state.waiters.add(waiter);
      void fill(state);
    });
  }

  /** Leases slots from the database as long as somebody waits. One loop per host. */
  async function fill(state: HostState): Promise<void> {
    if (state.filling) return;
    state.filling = true;
    try {
      while (state.waiters.size > 0 && !ended.signal.aborted) {
        const got = Date.now() < state.yieldUntil ? [] : await leaseMore(state);
        for (const slot of got) addLease(state, slot);
        if (got.length === 0) await pause(POLL_MIN_MS + Math.random() * (POLL_MAX_MS - POLL_MIN_MS));
      }
    } finally {
      state.filling = false;
    }
  }

  async function leaseMore(state: HostState): Promise<number[]> {
    const limit = Math.min(...[...state.waiters].map((waiter) => waiter.limit));
    const wanted = Math.min(state.waiters.size, limit - state.leases.size);
    if (wanted <= 0) return [];
    try {
      if (state.rowsEnsured < limit) await rows.ensure(state.host, limit);
      state.rowsEnsured = Math.max(state.rowsEnsured, limit);
      const got = await rows.lease(state.host, limit, wanted);
      if (got.length === 0 && state.leases.size === 0) await rows.announceWaiting(state.host);
      return got;
    } catch (error) {
      // The database is away: waiters go on waiting until their time is up.
      log.warn({ host: state.host, error: errorMessage(error) }, "host slots cannot be leased now");
      return [];
    }
  }

  function addLease(state: HostState, slot: number): void {
    const lease: Lease = { slot, leasedAt: Date.now(), inUse: false, idleSince: Date.now() };
    state.leases.add(lease);
    grantNext(state, lease);
  }

  function grantNext(state: HostState, lease: Lease): void {
    const [next] = state.waiters;
    lease.inUse = false;
    lease.idleSince = Date.now();
    if (next !== undefined) next.grant(lease);
  }

  function release(state: HostState, lease: Lease): void {
    // A lease that was lost meanwhile is nobody's to hand on.
    if (!state.leases.has(lease)) return;
    lease.inUse = false;
    lease.idleSince = Date.now();
    if (Date.now() - lease.leasedAt < REUSE_MS) grantNext(state, lease);
    else void takeTurns(state, lease);
  }

  /** After a second of reuse: on with it when nobody else waits for this host, back with it otherwise. */
  async function takeTurns(state: HostState, lease: Lease): Promise<void> {
    lease.inUse = true;
    try {
      if (await rows.someoneElseWaits(state.host)) {
        state.leases.delete(lease);
        state.yieldUntil = Date.now() + YIELD_MS * (0.75 + Math.random() / 2);
        await rows.giveBack([{ host: state.host, slot: lease.slot }]);
        return;
      }
    } catch (error) {
      log.warn({ host: state.host, error: errorMessage(error) }, "host slots cannot be given back now");
    }
    lease.leasedAt = Date.now();
    if (state.leases.has(lease)) grantNext(state, lease);
  }

  /** Gives back what has been idle, all hosts in one statement; renews what is in use. */
  async function sweep(): Promise<void> {
    const now = Date.now();
    const idle: { host: string; slot: number }[] = [];
    for (const state of hosts.values()) {
      for (const lease of state.leases) {
        if (lease.inUse || now - lease.idleSince < REUSE_MS) continue;
        state.leases.delete(lease);
        idle.push({ host: state.host, slot: lease.slot });
      }
    }
    try {
      if (idle.length > 0) await rows.giveBack(idle);
      if (now - renewedAt < RENEW_MS) return;
      renewedAt = now;
      const kept = new Set((await rows.renew()).map(({ host, slot }) => `${host} ${slot}`));
      for (const state of hosts.values()) {
        for (const lease of state.leases) {
          // Taken by another process while this one stood still: the work in hand ends, the slot is not handed on.
          if (lease.leasedAt < now && !kept.has(`${state.host} ${lease.slot}`)) state.leases.delete(lease);
        }
      }
    } catch (error) {
      log.warn({ error: errorMessage(error) }, "host slots cannot be renewed now");
    }
  }

  async function close(): Promise<void> {
    ended.abort();
    clearInterval(timer);
    await sweeping;
    const all = [...hosts.values()].flatMap(({ host, leases }) => [...leases].map(({ slot }) => ({ host, slot })));
    hosts.clear();
    if (all.length > 0) await rows.giveBack(all);
  }

  return { acquire, close };
}

/** A slot this process holds idle, still fresh. */
function reusable(state: HostState, limit: number): Lease | undefined {
  if (state.waiters.size > 0) return undefined;
  for (const lease of state.leases) {
    if (lease.inUse || lease.slot >= limit || Date.now() - lease.leasedAt > LEASE_SECONDS * 500) continue;
    lease.inUse = true;
    return lease;
  }
  return undefined;
}

/** The statements. Slots count from 0; a row below 0 says that its owner waits for this host. */
function slotRows(db: Pick<pg.Pool, "query">, owner: string) {
  const waitingRow = -1 - (Number.parseInt(owner.slice(0, 8), 16) % 1_000_000_000);
  return {
    async ensure(host: string, limit: number): Promise<void> {
      const text = `INSERT INTO host_slots (host, slot) SELECT $1, generate_series(0, $2::int - 1) ON CONFLICT DO NOTHING`;
      await db.query(text, [host, limit]);
    },
    async lease(host: string, limit: number, wanted: number): Promise<number[]> {
      const { rows } = await db.query<{ slot: number }>(
        `WITH free AS (
           SELECT slot FROM host_slots WHERE host = $1 AND slot >= 0 AND slot < $2 AND expires_at <= now()
           ORDER BY slot LIMIT $3 FOR UPDATE SKIP LOCKED)
         UPDATE host_slots SET owner = $4, expires_at = now() + make_interval(secs => $5)
         FROM free WHERE host_slots.host = $1 AND host_slots.slot = free.slot RETURNING host_slots.slot`,
        [host, limit, wanted, owner, LEASE_SECONDS],
      );
      return rows.map(({ slot }) => slot);
    },
    async announceWaiting(host: string): Promise<void> {
      await db.query(
        `INSERT INTO host_slots (host, slot, owner, expires_at) VALUES ($1, $2, $3, now() + interval '1 second')
         ON CONFLICT (host, slot) DO UPDATE SET owner = EXCLUDED.owner, expires_at = EXCLUDED.expires_at`,
        [host, waitingRow, owner],
      );
    },
    async someoneElseWaits(host: string): Promise<boolean> {
      const text = `SELECT 1 FROM host_slots WHERE host = $1 AND slot < 0 AND owner <> $2 AND expires_at > now() LIMIT 1`;
      return (await db.query(text, [host, owner])).rows.length > 0;
    },
    async giveBack(slots: { host: string; slot: number }[]): Promise<void> {
      await db.query(
        `UPDATE host_slots SET owner = NULL, expires_at = '-infinity'
         FROM unnest($1::text[], $2::int[]) AS back (host, slot)
         WHERE host_slots.host = back.host AND host_slots.slot = back.slot AND owner = $3`,
        [slots.map(({ host }) => host), slots.map(({ slot }) => slot), owner],
      );
    },
    async renew(): Promise<{ host: string; slot: number }[]> {
      const { rows } = await db.query<{ host: string; slot: number }>(
        `UPDATE host_slots SET expires_at = now() + make_interval(secs => $2)
         WHERE owner = $1 AND slot >= 0 AND expires_at > now() RETURNING host, slot`,
        [owner, LEASE_SECONDS],
      );
      return rows;
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
