import { describe, expect, it } from "vitest";
import { PermanentError } from "../../../shared/errors.ts";
import { createHostCircuits } from "../../../shared/net/circuit-breaker.ts";
import { HostBusyError, HostUnreachableError, PortalStatusError } from "../../../shared/net/net-errors.ts";

const times = { circuitFailures: 3, circuitOpenMs: 60_000, retryInitialMs: 1, retryMaxMs: 20 };
const down = () => new HostUnreachableError("h", "the connection was refused");

/** Fails with the given errors in turn, then succeeds; counts its calls. */
function failing(...errors: Error[]) {
  const left = [...errors];
  const work = async () => {
    work.calls++;
    const error = left.shift();
    if (error) throw error;
    return "done";
  };
  work.calls = 0;
  return work;
}

describe("tries against a host", () => {
  it("are repeated while the host fails, and told of", async () => {
    const work = failing(down(), new PortalStatusError("h", 503, "x", { hostFailure: true }));
    const delays: number[] = [];
    const circuits = createHostCircuits(times);
    expect(await circuits.run("h", 4, work, { onRetry: (ms) => delays.push(ms) })).toBe("done");
    expect(work.calls).toBe(3);
    expect(delays).toHaveLength(2);
  });

  it("end when they are used up, with the last error", async () => {
    const work = failing(down(), down(), down());
    await expect(createHostCircuits({ ...times, circuitFailures: 9 }).run("h", 2, work)).rejects.toThrow(/refused/);
    expect(work.calls).toBe(2);
  });

  it.each([
    ["a permanent error", new PermanentError("no")],
    ["a missing file", new PortalStatusError("h", 404, "x", { hostFailure: false })],
    ["a longer wait than anyone waits inside a call", new HostBusyError("h", { retryAfterMs: 3_600_000 })],
  ])("are not repeated after %s", async (_what, error) => {
    const work = failing(error);
    await expect(createHostCircuits(times).run("h", 4, work)).rejects.toBe(error);
    expect(work.calls).toBe(1);
  });

  it("wait at least as long as the host asked for", async () => {
    const delays: number[] = [];
    const work = failing(new HostBusyError("h", { retryAfterMs: 15 }));
    await createHostCircuits(times).run("h", 2, work, { onRetry: (ms) => delays.push(ms) });
    expect(delays[0]).toBeGreaterThanOrEqual(15);
  });

  it("are not repeated for a caller that has less patience than the host asks for", async () => {
    const busy = new HostBusyError("h", { retryAfterMs: 15 });
    const work = failing(busy);
    await expect(createHostCircuits(times).run("h", 2, work, { longestWaitMs: 10 })).rejects.toBe(busy);
    expect(work.calls).toBe(1);
  });

  it("end at once when the caller gives up in a pause", async () => {
    const caller = new AbortController();
    const running = createHostCircuits({ ...times, retryInitialMs: 60_000, retryMaxMs: 60_000 }).run(
      "h",
      4,
      failing(down()),
      { signal: caller.signal, onRetry: () => caller.abort(new Error("shut down")) },
    );
    await expect(running).rejects.toThrow("shut down");
  });
});

describe("the circuit of a host", () => {
  it("opens after failures in a row, then refuses without a try and says for how long", async () => {
    const circuits = createHostCircuits(times);
    await expect(circuits.run("h", 3, failing(down(), down(), down()))).rejects.toThrow(/refused/);
    expect(circuits.states()).toEqual([{ host: "h", state: "open" }]);
    const work = failing();
    const refused = await circuits.run("h", 3, work).catch((error: unknown) => error);
    expect(work.calls).toBe(0);
    expect(refused).toBeInstanceOf(HostBusyError);
    expect((refused as HostBusyError).retryAfterMs).toBeGreaterThan(50_000);
  });

  it("leaves other hosts alone", async () => {
    const circuits = createHostCircuits(times);
    await circuits.run("h", 3, failing(down(), down(), down())).catch(() => {});
    expect(await circuits.run("other", 1, failing())).toBe("done");
    expect(circuits.states()).toEqual([
      { host: "h", state: "open" },
      { host: "other", state: "closed" },
    ]);
  });

  it("is not opened by missing files, however many", async () => {
    const circuits = createHostCircuits(times);
    const missing = () => new PortalStatusError("h", 404, "x", { hostFailure: false });
    for (let n = 0; n < 10; n++) await circuits.run("h", 1, failing(missing())).catch(() => {});
    expect(circuits.states()).toEqual([{ host: "h", state: "closed" }]);
  });

  it("closes again after one good try when its time is over", async () => {
    const circuits = createHostCircuits({ ...times, circuitOpenMs: 0 });
    await circuits.run("h", 3, failing(down(), down(), down())).catch(() => {});
    expect(await circuits.run("h", 1, failing())).toBe("done");
    expect(circuits.states()).toEqual([{ host: "h", state: "closed" }]);
  });
});
