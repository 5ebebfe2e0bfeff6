import { describe, expect, test } from "vitest";
import { booleanField, jsonField, jsonText, textField } from "../../../writer/copy-text.ts";

describe("COPY text", () => {
  test.each([
    ["plain text, Hebrew included", "חלב 3%", "חלב 3%"],
    ["an empty text, which is not NULL", "", ""],
    ["nothing", undefined, "\\N"],
    ["null", null, "\\N"],
    ["text that looks like NULL", "\\N", "\\\\N"],
    ["tab, line end, carriage return and backslash", "a\tb\nc\rd\\", "a\\tb\\nc\\rd\\\\"],
    ["NUL, which PostgreSQL cannot store", "a\0b", "ab"],
  ])("%s", (_what, value, field) => {
    expect(textField(value)).toBe(field);
  });

  test("booleans are t, f and NULL", () => {
    expect([true, false, undefined].map(booleanField)).toEqual(["t", "f", "\\N"]);
  });

  test("JSON keeps its escapes through COPY's, and loses the escape of NUL that jsonb refuses", () => {
    expect(jsonField({ a: 'say "x"\n' })).toBe(String.raw`{"a":"say \\"x\\"\\n"}`);
    expect(jsonField({ a: "x\0y" })).toBe('{"a":"xy"}');
    expect(jsonField(undefined)).toBe("\\N");
  });

  test("a text that spells the escape of NUL is kept as it is", () => {
    expect(jsonText({ a: "\\u0000" })).toBe(String.raw`{"a":"\\u0000"}`);
  });

  test("half a character, which jsonb refuses, becomes the replacement character", () => {
    expect(jsonText({ a: "x\ud83d" })).toBe('{"a":"x\ufffd"}');
  });
});
