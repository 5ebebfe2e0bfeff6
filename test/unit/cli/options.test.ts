import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { checkChains, checkDays, parseCount, parseDay, parseList, parseTypes } from "../../../cli/options.ts";
import { UsageError } from "../../../shared/errors.ts";
import type { ChainRegistry } from "../../../shared/stage.ts";

describe("options of the command line", () => {
  test("a count is a whole number of at least 1", () => {
    expect(parseCount("12")).toBe(12);
    for (const text of ["0", "-1", "1.5", "", "many", "1e3", "99999999999"]) {
      expect(() => parseCount(text)).toThrow(InvalidArgumentError);
    }
  });

  test("a list is split at commas, trimmed, and holds every word once", () => {
    expect(parseList("a, b,a")).toEqual(["a", "b"]);
    for (const text of ["", "a,,b", ","]) expect(() => parseList(text)).toThrow(InvalidArgumentError);
  });

  test("a file type that does not exist is refused with the ones that do", () => {
    expect(parseTypes("price,promo-full")).toEqual(["price", "promo-full"]);
    expect(() => parseTypes("prices")).toThrow(/"prices" is none of price, price-full, promo, promo-full, stores/);
  });

  test("a day must be one of the calendar", () => {
    expect(parseDay("2026-02-28")).toBe("2026-02-28");
    for (const text of ["2026-02-29", "2026-2-1", "28.02.2026", "2026-13-01", "today"]) {
      expect(() => parseDay(text)).toThrow(InvalidArgumentError);
    }
  });

  test("days the wrong way round are refused", () => {
    checkDays({ since: "2026-08-13", until: "2026-08-13" });
    checkDays({ until: "2026-08-13" });
    expect(() => checkDays({ since: "2026-08-14", until: "2026-08-13" })).toThrow(UsageError);
  });

  test("every unknown chain is named at once", () => {
    const chains = { byKey: (key: string) => (key === "known" ? {} : undefined) } as unknown as ChainRegistry;
    checkChains(chains, ["known"]);
    checkChains(chains);
    expect(() => checkChains(chains, ["known", "one", "two"])).toThrow("unknown chains: one, two");
  });
});
