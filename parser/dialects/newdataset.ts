import type { Dialect } from "./dialect.ts";

/** `NewDataSet` is the list; an XML schema element stands among the rows. */
export const newDataSet: Dialect = {
  id: "newdataset",
  kind: "price",
  lists: ["newdataset"],
  rows: ["item"],
  matches: ({ root, list }) => root === "newdataset" || list === "newdataset",
};
