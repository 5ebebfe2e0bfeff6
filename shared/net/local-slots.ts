import pLimit, { type LimitFunction } from "p-limit";
import type { HostSlots } from "./host-slots.ts";

/** The polite limit per host inside one process, for portals that no other process knows. */
export function createLocalSlots(): HostSlots {
  const limits = new Map<string, LimitFunction>();
  return {
    acquire(host, limit, { signal }) {
      const places = limits.get(host) ?? pLimit(limit);
      limits.set(host, places);
      return new Promise((granted, refused) => {
        void places(() => {
          if (signal?.aborted) return refused(signal.reason);
          return new Promise<void>((release) => granted(release));
        });
      });
    },
    close: async () => undefined,
  };
}
