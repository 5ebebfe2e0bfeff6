import type { Dialect } from "./dialect.ts";

/** List `Sales`, one flat row per promotion and item. */
export const matrixSales: Dialect = {
  id: "matrix-sales",
  kind: "promo",
  lists: ["sales"],
  rows: ["sale"],
  matches: ({ list, row }) => list === "sales" || row === "sale",
  flatPromotions: true,
};
