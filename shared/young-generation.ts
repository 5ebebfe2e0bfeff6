import { PerformanceObserver } from "node:perf_hooks";
import v8 from "node:v8";

/** Both halves of the space for new objects, together. V8's own limit is 128 MB. */
const ENOUGH_BYTES = 16 * 1024 * 1024;

/**
 * Keeps the space for new objects small, so that memory follows what a process holds and not how much passes through it: V8 lets that
 * space grow up to 128 MB. Its size is fixed at start, but how it grows is read at every growth: looked at behind each collection, it
 * grows no further once it is large enough, and may grow again after it shrank.
 */
export function boundYoungGeneration(): void {
  let grows = true;
  const observer = new PerformanceObserver(() => {
    const young = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    const shouldGrow = (young?.space_size ?? 0) < ENOUGH_BYTES;
    if (shouldGrow === grows) return;
    grows = shouldGrow;
    v8.setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`);
  });
  observer.observe({ entryTypes: ["gc"] });
}
