import pLimit from "p-limit";
import { settlesWithin } from "../shared/waiting.ts";

/** A listing keeps its place among those under way at once for this long; then the next chain may start beside it. */
const PLACE_MS = 20_000;
/** The same for chains in trouble, which wait more than they work. */
const TROUBLED_PLACE_MS = 5_000;

export interface Places {
  /**
   * Runs `work` for a chain when its turn comes. `inTrouble` judges the result for the next turn.
   * @returns undefined when the signal came before the turn
   */
  run<T>(
    key: string,
    signal: AbortSignal,
    work: () => Promise<T>,
    inTrouble: (result: T) => boolean,
  ): Promise<T | undefined>;
}

/**
 * At most `limit` chains are listed at once, yet one slow or dead portal never holds up the others: a listing gives its place up after a
 * while, and a chain whose last listing failed or overran its place waits in a lane of its own, with as many places, behind others in
 * trouble only.
 * @param troubled chains known to be in trouble from before
 */
export function createPlaces(
  limit: number,
  troubled: Iterable<string> = [],
  placeMs = { healthy: PLACE_MS, troubled: TROUBLED_PLACE_MS },
): Places {
  const lanes = { healthy: pLimit(limit), troubled: pLimit(limit) };
  const inTroubleNow = new Set(troubled);

  return {
    run<T>(key: string, signal: AbortSignal, work: () => Promise<T>, inTrouble: (result: T) => boolean) {
      const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
      const lane = inTroubleNow.has(key) ? "troubled" : "healthy";
      void lanes[lane](async () => {
        if (signal.aborted) return resolve(undefined);
        let overran = false;
        // What our own side fails with says nothing of the portal: it leaves the chain in its lane.
        const listing = work().then((result) => {
          if (overran || inTrouble(result)) inTroubleNow.add(key);
          else inTroubleNow.delete(key);
          return result;
        });
        listing.then(resolve, reject);
        overran = !(await settlesWithin(listing, placeMs[lane]));
      });
      return promise;
    },
  };
}
