import type { Dialect } from "./dialect.ts";

/** `OrderXml`/`Envelope`/`Header`/`Details`/`Line` with `PromotionDetails`; lines of one promotion are put together. */
export const orderXmlPromo: Dialect = {
  id: "orderxml",
  kind: "promo",
  lists: ["details"],
  rows: ["line"],
  matches: ({ root, list }) => root === "orderxml" || list === "details",
  flatPromotions: true,
};
