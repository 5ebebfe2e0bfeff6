import { describe, expect, test } from "vitest";
import { judgeListing, type ListingCounts } from "../../../crawlers/listing-health.ts";
import { restAt } from "../../../crawlers/rest-days.ts";
import { LayoutNotRecognisedError, RetryableError } from "../../../shared/errors.ts";
import { chainOn } from "./helpers/portal.ts";

const nothing: ListingCounts = { known: 0, matched: 0, unknownNames: 0, unknownSample: null, error: null };
const chain = chainOn("cerberus");
/** A Tuesday with nothing special, 14:00 in Israel. */
const workday = new Date("2026-01-13T12:00:00Z");
const recent = { since: "2026-01-12", until: "2026-01-13" };
const stateOf = (counts: Partial<ListingCounts>, now = workday, filter = {}, of = chain) =>
  judgeListing(of, { ...recent, ...filter }, { ...nothing, ...counts }, now).state;

describe("a listing", () => {
  test("with files is found, also at night", () => {
    expect(stateOf({ known: 3, matched: 3 })).toBe("found");
  });

  test("that is empty on a working afternoon is suspicious, on all kinds of rest it is plausible", () => {
    expect(stateOf({})).toBe("empty-suspicious");
    expect(stateOf({}, new Date("2026-01-13T08:00:00Z"))).toBe("empty-plausible");
    expect(stateOf({}, new Date("2026-01-17T12:00:00Z"))).toBe("empty-plausible");
    expect(stateOf({}, new Date("2026-04-02T12:00:00Z"))).toBe("empty-plausible");
  });

  test("that holds old files only is suspicious: a portal that stopped publishing", () => {
    expect(stateOf({ known: 500 })).toBe("empty-suspicious");
    expect(stateOf({ known: 500 }, workday, { stores: ["7"] })).toBe("empty-plausible");
  });

  test("whose names all fail to parse is a layout that is not recognised, with an example", () => {
    const health = judgeListing(chain, recent, { ...nothing, unknownNames: 2, unknownSample: "x.gz" }, workday);
    expect(health).toMatchObject({ state: "layout-not-recognised", detail: expect.stringContaining('"x.gz"') });
  });

  test("that failed is never empty, not even at night or on a chain that may be empty", () => {
    const night = new Date("2026-01-13T01:00:00Z");
    const excused = chainOn("cerberus", { mayBeEmpty: [{ when: "always" }], statusDetail: "often away" });
    const error = new RetryableError("host x: the connection timed out", { hint: "ask again" });
    expect(stateOf({ error }, night, {}, excused)).toBe("unreachable");
    expect(judgeListing(excused, recent, { ...nothing, error }, night).detail).toBe(
      "host x: the connection timed out; ask again [known of this chain: often away]",
    );
    expect(stateOf({ error: new LayoutNotRecognisedError("no table") }, night)).toBe("layout-not-recognised");
  });

  test("may be empty by a rule of its chain until that rule ends", () => {
    const quiet = chainOn("cerberus", { mayBeEmpty: [{ when: "only-stores", until: "2026-01-13" }] });
    expect(stateOf({}, workday, { types: ["stores"] }, quiet)).toBe("empty-plausible");
    expect(stateOf({}, workday, { types: ["price"] }, quiet)).toBe("empty-suspicious");
    expect(stateOf({}, new Date("2026-01-14T12:00:00Z"), { types: ["stores"] }, quiet)).toBe("empty-suspicious");
  });
});

describe("rest", () => {
  test.each([
    ["Friday noon", "2026-01-16T10:00:00Z", null],
    ["Friday evening", "2026-01-16T16:00:00Z", "Shabbat"],
    ["Saturday noon", "2026-01-17T10:00:00Z", "Shabbat"],
    ["Saturday night", "2026-01-17T20:00:00Z", null],
    ["the eve of Yom Kippur", "2026-09-20T14:00:00Z", "a holiday"],
    ["Yom Kippur", "2026-09-21T09:00:00Z", "a holiday"],
    ["the second day of Rosh Hashana", "2026-09-13T09:00:00Z", "a holiday"],
    ["a day in the middle of Sukkot", "2026-09-29T09:00:00Z", null],
    ["Shavuot", "2026-05-22T07:00:00Z", "a holiday"],
  ])("on %s", (_, moment, expected) => {
    expect(restAt(new Date(moment))).toBe(expected);
  });
});
