import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createPlaces } from "../../../crawlers/places.ts";

const never = new AbortController().signal;
const LONG = 3_600_000;

/** A listing that a test ends by hand. */
function listing() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const work = () => {
    work.started = true;
    return promise;
  };
  work.started = false;
  work.end = resolve;
  work.fail = reject;
  return work;
}

const isBad = (result: string) => result === "bad";

test("as many are under way as there are places, the others wait their turn", async () => {
  const places = createPlaces(2, [], { healthy: LONG, troubled: LONG });
  const works = [listing(), listing(), listing()];
  const running = works.map((work, index) => places.run(String(index), never, work, isBad));
  await turn();
  expect(works.map(({ started }) => started)).toEqual([true, true, false]);
  works[1]?.end("good");
  expect(await running[1]).toBe("good");
  await turn();
  expect(works[2]?.started).toBe(true);
});

test("portals that were bad before never hold up the good ones, however many they are", async () => {
  const dead = Array.from({ length: 20 }, (_, index) => `dead-${index}`);
  const places = createPlaces(2, dead, { healthy: LONG, troubled: LONG });
  const hanging = dead.map((key) => {
    const work = listing();
    void places.run(key, never, work, isBad);
    return work;
  });
  const good = listing();
  void places.run("good", never, good, isBad);
  await turn();
  expect(good.started).toBe(true);
  expect(hanging.filter(({ started }) => started)).toHaveLength(2);
});

test("portals that hang for the first time hold their places for a while only", async () => {
  const places = createPlaces(1, [], { healthy: 20, troubled: 20 });
  void places.run("hangs", never, listing(), isBad);
  const good = listing();
  good.end("good");
  expect(await places.run("good", never, good, isBad)).toBe("good");
});

test("a chain is in trouble after a bad listing, and well again after a good one", async () => {
  const places = createPlaces(1, [], { healthy: LONG, troubled: LONG });
  const list = (result: string) => places.run("a", never, async () => result, isBad);
  await list("bad");
  const other = listing();
  void places.run("other", never, other, isBad);
  // The only healthy place is taken: `a` gets through because it has a lane of its own now, once.
  expect(await list("good")).toBe("good");
  const again = listing();
  void places.run("a", never, again, isBad);
  await turn();
  expect(again.started).toBe(false);
  other.end("good");
  await turn();
  expect(again.started).toBe(true);
});

test("a chain that overran its place is in trouble, whatever came of it", async () => {
  const places = createPlaces(1, [], { healthy: 10, troubled: LONG });
  const slow = listing();
  const running = places.run("slow", never, slow, isBad);
  const next = listing();
  next.end("good");
  await places.run("next", never, next, isBad);
  slow.end("good");
  await running;
  const holder = listing();
  void places.run("holder", never, holder, isBad);
  expect(await places.run("slow", never, async () => "good", isBad)).toBe("good");
});

test("an error of our own is passed on and frees the place; a signal before the turn means no listing", async () => {
  const places = createPlaces(1, [], { healthy: LONG, troubled: LONG });
  const failing = listing();
  const failed = places.run("a", never, failing, isBad);
  const stop = new AbortController();
  const waiting = listing();
  const stopped = places.run("b", stop.signal, waiting, isBad);
  stop.abort();
  failing.fail("the database is away");
  await expect(failed).rejects.toBe("the database is away");
  expect(await stopped).toBeUndefined();
  expect(waiting.started).toBe(false);
});
