import { describe, expect, test } from "vitest";
import { LayoutNotRecognisedError } from "../../../shared/errors.ts";
import { readFtpListing } from "../../../shared/net/ftp-listing.ts";

const namesOf = (raw: string) => readFtpListing("ftp.test", raw).map(({ name }) => name);

describe("an FTP listing", () => {
  test("is read in the form of the field notes, facts in any order and case", () => {
    const raw = [
      "type=file;size=187; Promo7290000000015-001-202601020800.gz",
      "Type=file;Size=48211;Modify=20260102001105; PriceFull7290000000015-001-202601020010.gz",
      "type=dir; archive",
    ].join("\r\n");
    expect(readFtpListing("ftp.test", raw).map(({ name, size, isFile }) => [name, size, isFile])).toEqual([
      ["Promo7290000000015-001-202601020800.gz", 187, true],
      ["PriceFull7290000000015-001-202601020010.gz", 48211, true],
      ["archive", 0, false],
    ]);
  });

  test("of nothing is empty", () => {
    expect(namesOf("")).toEqual([]);
  });

  test("loses no entry to a time that is none", () => {
    expect(namesOf("type=file;modify=yesterday; a.gz\r\ntype=file;size=3;modify=; b.gz")).toEqual(["a.gz", "b.gz"]);
  });

  test.each([
    ["<html><body>maintenance</body></html>", /ftp\.test.*without lines of a directory listing.*maintenance/],
    ["size=187; a.gz\r\nsize=12; b.gz", /without entries with "type=".*a\.gz/],
  ])("%j is a changed layout, and says what is missing", (raw, says) => {
    expect(() => namesOf(raw)).toThrow(LayoutNotRecognisedError);
    expect(() => namesOf(raw)).toThrow(says);
  });
});
