import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createTurns } from "../../../writer/turns.ts";

describe("turns", () => {
  test("work runs one after another in the order it was asked for, whoever is quick", async () => {
    const inTurn = createTurns();
    const told: string[] = [];
    const work = (name: string, turns: number) => async () => {
      told.push(`${name} starts`);
      for (let turn = 0; turn < turns; turn += 1) await nextTurn();
      told.push(`${name} ends`);
      return name;
    };
    expect(await Promise.all([inTurn(work("slow", 3)), inTurn(work("quick", 0))])).toEqual(["slow", "quick"]);
    expect(told).toEqual(["slow starts", "slow ends", "quick starts", "quick ends"]);
  });

  test("work that fails tells its own caller and lets the next one go on", async () => {
    const inTurn = createTurns();
    const failing = inTurn(() => Promise.reject(new Error("no")));
    const following = inTurn(() => Promise.resolve("done"));
    await expect(failing).rejects.toThrow("no");
    expect(await following).toBe("done");
  });
});
