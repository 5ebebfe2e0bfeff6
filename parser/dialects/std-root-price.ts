import type { Dialect } from "./dialect.ts";

/**
 * `Root`/`Items`/`Item` with `ChainId`: Cerberus (`ItemName`, `Count`), Bina (`ItemNm`), and the 2026 layout, which only renames
 * tags (`ManufactureName`, `PriceUpdateTime`).
 */
export const stdRootPrice: Dialect = {
  id: "std-root",
  kind: "price",
  lists: ["items"],
  rows: ["item"],
  matches: ({ list, row }) => list === "items" || row === "item",
};
