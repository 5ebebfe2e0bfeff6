import { type Dialect, hasUpperId } from "./dialect.ts";

/** As std-root, with `ChainID` in the header, `PromotionID` and `PromotionUpdateTime`. */
export const laibNewPromo: Dialect = {
  id: "laib-new",
  kind: "promo",
  lists: ["promotions"],
  rows: ["promotion"],
  matches: ({ list, outside, inRow }) =>
    list === "promotions" && hasUpperId(outside, "Chain") && hasUpperId(inRow, "Promotion"),
};
