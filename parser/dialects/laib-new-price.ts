import { type Dialect, hasUpperId } from "./dialect.ts";

/** As std-root, header in `ChainID SubChainID StoreID`. */
export const laibNewPrice: Dialect = {
  id: "laib-new",
  kind: "price",
  lists: ["items"],
  rows: ["item"],
  matches: ({ list, outside }) => list === "items" && hasUpperId(outside, "Chain"),
};
