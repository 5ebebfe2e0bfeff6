import { type Dialect, hasUpperId } from "./dialect.ts";

/** `StoreID` (and `SubChainID`) in the rows, `ChainId` in the header. */
export const subChainsIdRows: Dialect = {
  id: "subchains-ID-rows",
  kind: "stores",
  lists: ["stores"],
  rows: ["store"],
  matches: ({ outside, inRow }) => hasUpperId(inRow, "Store") && outside.has("ChainId"),
};
