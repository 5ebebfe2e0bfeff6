import type { Dialect } from "./dialect.ts";

/** Any root / `SubChains`/`SubChain`/`Stores`/`Store` with `ChainId`, `SubChainId`, `StoreId`: the default. */
export const subChainsId: Dialect = {
  id: "subchains-Id",
  kind: "stores",
  lists: ["stores"],
  rows: ["store"],
  matches: ({ list, row, outside }) =>
    list === "stores" || row === "store" || outside.has("SubChains") || outside.has("Stores"),
};
