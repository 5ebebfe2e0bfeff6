import { type Dialect, hasUpperId } from "./dialect.ts";

/** `ChainID` and `StoreID`, but `SubChainId`. */
export const subChainsLaib: Dialect = {
  id: "subchains-laib",
  kind: "stores",
  lists: ["stores"],
  rows: ["store"],
  matches: ({ outside, inRow }) =>
    hasUpperId(inRow, "Store") &&
    hasUpperId(outside, "Chain") &&
    (outside.has("SubChainId") || inRow.has("SubChainId")),
};
