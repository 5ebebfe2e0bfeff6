import { type Dialect, hasUpperId } from "./dialect.ts";

/** `ChainID` in the header, `PromotionId` in the rows, `ClubId` and dates with hours as fields of the promotion. */
export const wolt: Dialect = {
  id: "wolt",
  kind: "promo",
  lists: ["promotions"],
  rows: ["promotion"],
  matches: ({ list, outside, inRow }) =>
    list === "promotions" && hasUpperId(outside, "Chain") && !hasUpperId(inRow, "Promotion"),
};
