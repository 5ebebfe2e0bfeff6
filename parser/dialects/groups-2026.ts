import type { Dialect } from "./dialect.ts";

/** `Promotion`/`Groups`/`Group`/`PromotionItems`/`PromotionItem`: prices and rewards stand on the links. */
export const groups2026: Dialect = {
  id: "groups-2026",
  kind: "promo",
  lists: ["promotions"],
  rows: ["promotion"],
  matches: ({ inRow }) => inRow.has("Groups") || inRow.has("GroupID"),
};
