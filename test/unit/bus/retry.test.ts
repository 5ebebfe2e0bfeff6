import { describe, expect, it } from "vitest";
import { PermanentError, RetryableError, ThrottledError } from "../../../shared/errors.ts";
import { backoffDelayMs, retryPolicyOf, withRetry } from "../../../shared/retry.ts";

const policy = { attempts: 4, initialDelayMs: 100, maxDelayMs: 1_000 };
const quick = { attempts: 3, initialDelayMs: 1, maxDelayMs: 1 };

describe("backoff", () => {
  it.each([
    [1, 50, 100],
    [2, 100, 200],
    [4, 400, 800],
    [5, 500, 1_000],
    [30, 500, 1_000],
  ])("after %i failures waits between %i and %i ms", (failures, least, most) => {
    for (let round = 0; round < 50; round += 1) {
      const delay = backoffDelayMs(policy, failures);
      expect(delay).toBeGreaterThanOrEqual(least);
      expect(delay).toBeLessThanOrEqual(most);
    }
  });

  it("obeys a throttling server that asks for longer", () => {
    expect(backoffDelayMs(policy, 1, new ThrottledError("slow down", { retryAfterMs: 7_000 }))).toBe(7_000);
    expect(backoffDelayMs(policy, 1, new ThrottledError("slow down"))).toBeLessThanOrEqual(100);
  });

  it("gives each stage its own patience and the configured attempts", () => {
    expect(retryPolicyOf("downloader", 7)).toEqual({ attempts: 7, initialDelayMs: 1_000, maxDelayMs: 60_000 });
  });
});

describe("withRetry", () => {
  it("tries as often as the policy says, then throws the last error", async () => {
    let tries = 0;
    const told: unknown[] = [];
    const run = withRetry(
      async () => {
        tries += 1;
        throw new RetryableError(`try ${tries}`);
      },
      { policy: quick, onRetry: (error) => told.push(error) },
    );
    await expect(run).rejects.toThrow("try 3");
    expect(told.map(String)).toEqual(["RetryableError: try 1", "RetryableError: try 2"]);
  });

  it("does not repeat what cannot help", async () => {
    let tries = 0;
    const run = withRetry(
      async () => {
        tries += 1;
        throw new PermanentError("no");
      },
      { policy: quick },
    );
    await expect(run).rejects.toThrow("no");
    expect(tries).toBe(1);
  });

  it("returns the first success", async () => {
    let tries = 0;
    const value = await withRetry(
      async () => {
        tries += 1;
        if (tries < 3) throw new Error("not yet");
        return "done";
      },
      { policy: quick },
    );
    expect([value, tries]).toEqual(["done", 3]);
  });
});
