/**
 * Results in order, with up to `concurrency` requests under way ahead of the one that is awaited. `start` begins the next request,
 * or returns null when there is none (asked again after every result, since a result may reveal more).
 */
export async function* readAhead<T>(
  start: () => Promise<T> | null,
  concurrency: number,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const underWay: Promise<T>[] = [];
  for (;;) {
    while (underWay.length < concurrency) {
      const request = start();
      if (request === null) break;
      // An error is met when its turn comes; until then it must not count as unhandled.
      request.catch(() => undefined);
      underWay.push(request);
    }
    const next = underWay.shift();
    if (next === undefined) return;
    signal.throwIfAborted();
    yield await next;
  }
}
