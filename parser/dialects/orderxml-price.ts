import type { Dialect } from "./dialect.ts";

/** `OrderXml`/`Envelope` (header)/`Header`/`Details`/`Line`; a file without rows has no `Details`. Dates without a time. */
export const orderXmlPrice: Dialect = {
  id: "orderxml",
  kind: "price",
  lists: ["details"],
  rows: ["line"],
  matches: ({ root, list }) => root === "orderxml" || list === "details",
};
