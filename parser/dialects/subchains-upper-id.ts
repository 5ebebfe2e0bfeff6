import { type Dialect, hasUpperId } from "./dialect.ts";

/** `ChainID`, `SubChainID` and `StoreID` everywhere; several sub-chains in one file. */
export const subChainsUpperId: Dialect = {
  id: "subchains-ID",
  kind: "stores",
  lists: ["stores"],
  rows: ["store"],
  matches: ({ outside, inRow }) => hasUpperId(inRow, "Store") && hasUpperId(outside, "Chain"),
};
