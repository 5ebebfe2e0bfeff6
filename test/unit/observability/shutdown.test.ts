import { describe, expect, it } from "vitest";
import { createLog } from "../../../shared/observability/log.ts";
import { Shutdown, withShutdown } from "../../../shared/shutdown.ts";

const log = createLog({ level: "silent" });
const listeners = () => process.listenerCount("SIGTERM");

describe("shutdown", () => {
  it("closes last in, first out, and goes on after one that fails", async () => {
    const closed: string[] = [];
    const shutdown = new Shutdown(log);
    shutdown.add("pool", () => closed.push("pool"));
    shutdown.add("bus", () => Promise.reject(new Error("cannot close")));
    shutdown.add("stage", () => closed.push("stage"));
    await shutdown.release();
    await shutdown.release();
    expect(closed).toEqual(["stage", "pool"]);
  });

  it("closes what was opened before a start failed", async () => {
    const closed: string[] = [];
    const run = withShutdown({ log }, async (shutdown) => {
      shutdown.add("pool", () => closed.push("pool"));
      throw new Error("cannot start");
    });
    await expect(run).rejects.toThrow("cannot start");
    expect(closed).toEqual(["pool"]);
  });

  it("closes at once what is opened after the shutdown began", async () => {
    const closed: string[] = [];
    const shutdown = new Shutdown(log);
    await shutdown.release();
    shutdown.add("late", () => closed.push("late"));
    await shutdown.release();
    expect(closed).toEqual(["late"]);
  });

  it("drains on the first signal and leaves no signal handler behind", async () => {
    const closed: string[] = [];
    const before = listeners();
    const result = await withShutdown({ log }, async (shutdown) => {
      shutdown.add("stage", () => closed.push("stage"));
      process.emit("SIGTERM");
      await shutdown.requested();
      return "drained";
    });
    expect(result).toBe("drained");
    expect(listeners()).toBe(before);
    expect(closed).toEqual(["stage"]);
  });

  it("ends the process on the second signal", async () => {
    const codes: number[] = [];
    await withShutdown({ log, exit: (code) => codes.push(code) }, async (shutdown) => {
      process.emit("SIGINT");
      process.emit("SIGINT");
      await shutdown.requested();
    });
    expect(codes).toEqual([130]);
  });

  it("ends the process when the deadline passes", async () => {
    const codes: number[] = [];
    await withShutdown({ log, deadlineMs: 10, exit: (code) => codes.push(code) }, async (shutdown) => {
      shutdown.add("stuck", () => new Promise(() => undefined));
      process.emit("SIGTERM");
    });
    expect(codes).toEqual([1]);
  });

  it("takes an error of a body whose resources were closed by the signal as the end that was asked for", async () => {
    const result = await withShutdown({ log }, async (shutdown) => {
      process.emit("SIGTERM");
      await shutdown.requested();
      throw new Error("the pool is closed");
    });
    expect(result).toBeUndefined();
  });
});
