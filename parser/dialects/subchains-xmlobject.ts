import type { Dialect } from "./dialect.ts";

/** `SubChainsXMLObject` holds the sub-chains; below each `Stores`/`SubChainStoresXMLObject`/`Store` stands the list of rows. */
export const subChainsXmlObject: Dialect = {
  id: "subchains-xmlobject",
  kind: "stores",
  lists: ["store", "subchainstoresxmlobject"],
  rows: [],
  matches: ({ outside }) => outside.has("SubChainsXMLObject") || outside.has("SubChainStoresXMLObject"),
};
