import { assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import { decodeMetadata, encodeMetadata } from "../../../shared/object-store/metadata.ts";

test("any text survives as a header: printable ASCII without spaces, and back", () => {
  assert(
    property(string({ unit: "grapheme", maxLength: 60 }), (text) => {
      const encoded = encodeMetadata("k", { text });
      expect(encoded["text"]).toMatch(/^[!-~]*$/);
      expect(decodeMetadata(encoded)).toEqual({ text });
    }),
  );
});

test("plain words stay readable", () => {
  expect(encodeMetadata("k", { name: "PriceFull7290027600007-001.gz" })).toEqual({
    name: "PriceFull7290027600007-001.gz",
  });
});

test("half a surrogate pair becomes a replacement character instead of an error", () => {
  expect(decodeMetadata(encodeMetadata("k", { text: "a\ud83d" }))).toEqual({ text: "a\ufffd" });
});

test("a value that somebody else wrote and that does not decode stays as it is", () => {
  expect(decodeMetadata({ text: "100%" })).toEqual({ text: "100%" });
});
