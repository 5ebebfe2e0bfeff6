import { describe, expect, it } from "vitest";
import { DEAD_LETTER_HEADERS, deadLetterHeaders, withoutFailureHeaders } from "../../../shared/bus/dead-letter.ts";
import { encodeValue, packValue, unpackValue } from "../../../shared/bus/payload-codec.ts";
import { MAX_MESSAGE_BYTES } from "../../../shared/contracts/topics.ts";
import { PermanentError, UnreadableFileError } from "../../../shared/errors.ts";

describe("values in the embedded queue", () => {
  it.each([
    ["small", false],
    ["ברקת ".repeat(1_000), true],
    [null, false],
    [{ a: [1.25] }, false],
  ] as const)("come back as they were: %j", (value, packed) => {
    const payload = packValue(encodeValue("t", { key: "k", value }));
    expect(payload.packed).toBe(packed);
    expect(payload.bytes).toBe(Buffer.byteLength(JSON.stringify(value)));
    expect(unpackValue(payload.body, payload.packed)).toEqual(value);
  });

  it("shrink to a fraction when they are rows", () => {
    const rows = Array.from({ length: 500 }, (_, index) => ({
      ean: `729000000${index}`,
      price: index / 10,
      unit: "kg",
    }));
    const { body, bytes } = packValue(encodeValue("t", { key: "k", value: rows }));
    expect(body.length).toBeLessThan(bytes / 3);
  });

  it("are measured in bytes of UTF-8, not in characters", () => {
    const value = "ש".repeat(MAX_MESSAGE_BYTES / 2);
    expect(() => encodeValue("t", { key: "k", value })).toThrow(PermanentError);
    expect(encodeValue("t", { key: "k", value: "s".repeat(MAX_MESSAGE_BYTES - 2) })).toHaveLength(MAX_MESSAGE_BYTES);
  });

  it("that are not JSON are a permanent error", () => {
    expect(() => unpackValue(Buffer.from("<html>"), false)).toThrow(PermanentError);
  });
});

describe("headers of a dead letter", () => {
  const failure = { stage: "parser", attempts: 2, firstFailureAt: 0, lastFailureAt: 60_000 };

  it("say what failed, where and when, beside the original headers", () => {
    const headers = deadLetterHeaders({ trace: "t" }, { ...failure, error: new UnreadableFileError("is HTML") });
    expect(headers).toMatchObject({
      trace: "t",
      "error-class": "UnreadableFileError",
      "error-message": "is HTML",
      stage: "parser",
      attempts: "2",
      "first-failure": "1970-01-01T00:00:00.000Z",
      "last-failure": "1970-01-01T00:01:00.000Z",
    });
    expect(headers["stack-top"]).toMatch(/^at /);
    expect(Object.keys(headers).toSorted()).toEqual([...DEAD_LETTER_HEADERS, "trace"].toSorted());
  });

  it("carry no link signature and no password", () => {
    const error = new Error("GET https://user:pw@portal.example/a.gz?sig=secret failed, ftp://a:b@host/x too");
    const text = JSON.stringify(deadLetterHeaders({}, { ...failure, error }));
    expect(text).toContain("https://portal.example/a.gz");
    expect(text).not.toMatch(/secret|pw@|a:b@/);
  });

  it("can say what was thrown even when it is no error", () => {
    expect(deadLetterHeaders({}, { ...failure, error: "text" })).toMatchObject({
      "error-class": "string",
      "error-message": "text",
    });
  });

  it("are taken off for a replay, the original ones kept", () => {
    const headers = deadLetterHeaders({ trace: "t" }, { ...failure, error: new Error("x") });
    expect(withoutFailureHeaders(headers)).toEqual({ trace: "t" });
  });
});
