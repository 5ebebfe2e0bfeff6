import type { Dialect } from "./dialect.ts";

/**
 * std-root as the Cerberus back office writes it, known by `XmlDocVersion` and `DllVerNo` in the header: there the meaning of
 * `DiscountedPrice` is measured (formats §4, rules 1 and 2).
 */
export const cerberusPromo: Dialect = {
  id: "std-root",
  kind: "promo",
  lists: ["promotions"],
  rows: ["promotion"],
  matches: ({ list, outside }) =>
    list === "promotions" && outside.has("XmlDocVersion") && outside.has("DllVerNo") && outside.has("ChainId"),
  certainUnitPrice: true,
};
