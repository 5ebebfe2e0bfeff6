import type { Dialect } from "./dialect.ts";

/** `Branches`/`Branch`, or `Branch` under a root named `Store`; no header, chain fields stand in every row. */
export const matrixBranches: Dialect = {
  id: "matrix-branches",
  kind: "stores",
  lists: ["branches"],
  rows: ["branch"],
  matches: ({ list, row }) => list === "branches" || row === "branch",
};
