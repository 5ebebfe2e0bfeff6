import { expect, test } from "vitest";
import { patiently } from "../../../cli/patient.ts";
import { EngineAwayError, PermanentError } from "../../../shared/errors.ts";

const never = new AbortController().signal;

test("an engine that is away for a moment is asked again", async () => {
  let asked = 0;
  const answer = async () => {
    asked += 1;
    if (asked < 3) throw new EngineAwayError("the brokers do not answer");
    return 7;
  };
  expect(await patiently(answer, never)).toBe(7);
  expect(asked).toBe(3);
});

test("any other error ends the wait at once", async () => {
  let asked = 0;
  const answer = async () => {
    asked += 1;
    throw new PermanentError("no such table");
  };
  await expect(patiently(answer, never)).rejects.toThrow("no such table");
  expect(asked).toBe(1);
});

test("a person who ends the command does not wait for the engine", async () => {
  const ended = new AbortController();
  let asked = 0;
  const answer = async () => {
    asked += 1;
    ended.abort();
    throw new EngineAwayError("the brokers do not answer");
  };
  await expect(patiently(answer, ended.signal)).rejects.toThrow("the brokers do not answer");
  expect(asked).toBe(1);
});
