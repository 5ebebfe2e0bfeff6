import type { Dialect } from "./dialect.ts";

/** `Prices`/`Products`/`Product` of the old matrix portal; tags such as `UnitMeasure`, `BisWeighted`, `itemStatus`. */
export const matrixProducts: Dialect = {
  id: "matrix-products",
  kind: "price",
  lists: ["products"],
  rows: ["product"],
  matches: ({ list, row }) => list === "products" || row === "product",
};
