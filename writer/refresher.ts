import type { Pool } from "pg";
import { errorMessage } from "../shared/errors.ts";
import type { Log } from "../shared/observability/log.ts";
import { refreshViews } from "./views.ts";

/** Refreshes the views some time after something was loaded, however many flushes there were. */
export interface Refresher {
  /** Something was loaded. */
  wanted(): void;
  /** Waits for a refresh under way; starts none. */
  stop(): Promise<void>;
}

/** With no pause asked for, a refresh that another process is doing is not waited for in a hot loop. */
const LEAST_PAUSE_MS = 200;

export function startRefresher(db: Pool, log: Log, leastSeconds: number): Refresher {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const refresh = async (): Promise<void> => {
    timer = undefined;
    try {
      // Another process may have refreshed before this flush was committed: then it is still wanted.
      if (!(await refreshViews(db, { leastSeconds }))) refresher.wanted();
    } catch (error) {
      log.error(
        { error: errorMessage(error) },
        "the materialized views could not be refreshed; the next flush tries again",
      );
    }
  };
  const refresher: Refresher = {
    wanted() {
      if (stopped || timer) return;
      timer = setTimeout(
        () => {
          running = refresh();
        },
        Math.max(leastSeconds * 1000, LEAST_PAUSE_MS),
      );
      timer.unref();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
  return refresher;
}
