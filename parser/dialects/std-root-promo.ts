import type { Dialect } from "./dialect.ts";

/**
 * `Root`/`Promotions`/`Promotion` with `PromotionId`; links in `PromotionItems/Item`, clubs in `Clubs/ClubId`. Also under another
 * root without a header (City Market Shops). The meaning of the numbers is not certain outside Cerberus files.
 */
export const stdRootPromo: Dialect = {
  id: "std-root",
  kind: "promo",
  lists: ["promotions"],
  rows: ["promotion"],
  matches: ({ list, row }) => list === "promotions" || row === "promotion",
};
