import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../helpers/command.ts";
import type { Fleet, Stage } from "../helpers/fleet.ts";

/** A stage process that ended though nobody killed it. */
export interface Crash {
  stage: Stage;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what it said. */
  log: string;
}

interface Post {
  stage: Stage;
  service: Service | undefined;
  /** Its end is our doing. */
  killed: boolean;
  thaw: NodeJS.Timeout | undefined;
}

/** Processes that are started again whenever they end, as Compose and Kubernetes do it. */
export interface Crew {
  /** Which stages run now. */
  running(): Stage[];
  /** SIGKILL for one of those that run: the `nth` of them, modulo their number. Undefined when none runs. */
  kill(nth: number): Stage | undefined;
  /** SIGSTOP for one of them and SIGCONT after so long: it wakes up as a zombie whose work went to others. */
  freeze(nth: number, forMs: number): Stage | undefined;
  crashes(): readonly Crash[];
  close(): Promise<void>;
}

const RESTART_MS = 300;
const LOG_CHARACTERS = 2_000;

/** @param args what a stage is given on its command line besides its name */
export function startCrew(fleet: Fleet, stages: readonly Stage[], args: Partial<Record<Stage, string[]>>): Crew {
  const posts = stages.map((stage): Post => ({ stage, service: undefined, killed: false, thaw: undefined }));
  const crashes: Crash[] = [];
  const closing = new AbortController();

  async function keepManned(post: Post): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const service = await fleet.start(post.stage, { args: args[post.stage] ?? [] });
        await watch(post, service);
      } catch {
        // An engine that it needs at its start is away.
        await sleep(RESTART_MS);
      }
    }
  }

  async function watch(post: Post, service: Service): Promise<void> {
    const { child } = service;
    post.service = service;
    post.killed = false;
    if (closing.signal.aborted) await service.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    post.service = undefined;
    clearTimeout(post.thaw);
    if (!post.killed && !closing.signal.aborted) {
      const { exitCode: code, signalCode: signal } = child;
      crashes.push({ stage: post.stage, code, signal, log: service.log().slice(-LOG_CHARACTERS) });
    }
  }

  const manned = posts.map(keepManned);
  const at = (nth: number): Post | undefined => {
    const ready = posts.filter(({ service, killed }) => service !== undefined && !killed);
    return ready[nth % Math.max(1, ready.length)];
  };
  return {
    running: () => posts.flatMap(({ stage, service }) => (service ? [stage] : [])),
    kill: (nth) => {
      const post = at(nth);
      if (post === undefined) return undefined;
      post.killed = true;
      post.service?.child.kill("SIGKILL");
      return post.stage;
    },
    freeze: (nth, forMs) => {
      const post = at(nth);
      const child = post?.service?.child;
      if (post === undefined || child === undefined) return undefined;
      child.kill("SIGSTOP");
      clearTimeout(post.thaw);
      post.thaw = setTimeout(() => child.kill("SIGCONT"), forMs);
      return post.stage;
    },
    crashes: () => crashes,
    close: async () => {
      closing.abort();
      for (const { service, thaw } of posts) {
        clearTimeout(thaw);
        service?.child.kill("SIGKILL");
      }
      await Promise.all(manned);
    },
  };
}
