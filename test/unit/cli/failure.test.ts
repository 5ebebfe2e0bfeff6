import { CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { describeError, exitCodeOf, ReportedFailure } from "../../../cli/failure.ts";
import { GogobeError, PermanentError, RetryableError, UsageError } from "../../../shared/errors.ts";

describe("what a person reads of an error", () => {
  test("names what happened, every reason that adds something, and what to do", () => {
    const socket = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
    const error = new RetryableError("PostgreSQL cannot be reached", {
      cause: new Error("the pool is empty", { cause: new AggregateError([socket], "") }),
      hint: "start the server",
    });
    expect(describeError(error, false).split("\n")).toEqual([
      "gogobe: PostgreSQL cannot be reached",
      "  because: the pool is empty",
      "  because: connect ECONNREFUSED 127.0.0.1:1",
      "  what to do: start the server",
    ]);
  });

  test("finds the hint of a cause when the error itself has none", () => {
    const error = new Error("ingest failed", { cause: new PermanentError("bad name", { hint: "rename the file" }) });
    expect(describeError(error, false)).toContain("what to do: rename the file");
  });

  test("shows a stack only when it is asked for", () => {
    const error = new GogobeError("it broke");
    expect(describeError(error, false)).toBe("gogobe: it broke");
    expect(describeError(error, true)).toMatch(/^gogobe: it broke\n.*GogobeError: it broke\n\s+at /);
  });

  test("tells how to see more of an error that nobody foresaw", () => {
    expect(describeError(new TypeError("x is undefined"), false)).toBe(
      "gogobe: x is undefined\n  what to do: run it again with --verbose for the details",
    );
  });

  test("says nothing new of a failure that was reported already", () => {
    expect(describeError(new ReportedFailure("gogobe: 2 files were not loaded"), false)).toBe(
      "gogobe: 2 files were not loaded",
    );
  });
});

describe("exit codes", () => {
  test("0 for help, 2 for wrong usage, 1 for everything else", () => {
    expect(exitCodeOf(new CommanderError(0, "commander.helpDisplayed", ""))).toBe(0);
    expect(exitCodeOf(new CommanderError(1, "commander.unknownOption", ""))).toBe(2);
    expect(exitCodeOf(new UsageError("wrong"))).toBe(2);
    expect(exitCodeOf(new PermanentError("broken"))).toBe(1);
    expect(exitCodeOf("thrown text")).toBe(1);
  });
});
