import type { Dialect } from "./dialect.ts";

/** SAP document `asx:abap`/`asx:values`/`STORES`/`STORE`; `LASTUPDATEDATE` stands after the list. */
export const abapUpper: Dialect = {
  id: "abap-upper",
  kind: "stores",
  lists: ["stores"],
  rows: ["store"],
  matches: ({ root, inRow }) => root === "abap" || inRow.has("STOREID"),
};
