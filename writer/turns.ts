/**
 * Runs pieces of work one after another, in the order in which they ask.
 * A piece that fails does not keep the next one from its turn.
 */
export function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
