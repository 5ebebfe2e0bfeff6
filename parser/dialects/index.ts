import { abapUpper } from "./abap-upper.ts";
import { cerberusPromo } from "./cerberus-promo.ts";
import type { Dialect, Kind, Shape } from "./dialect.ts";
import { groups2026 } from "./groups-2026.ts";
import { laibNewPrice } from "./laib-new-price.ts";
import { laibNewPromo } from "./laib-new-promo.ts";
import { matrixBranches } from "./matrix-branches.ts";
import { matrixProducts } from "./matrix-products.ts";
import { matrixSales } from "./matrix-sales.ts";
import { newDataSet } from "./newdataset.ts";
import { orderXmlPrice } from "./orderxml-price.ts";
import { orderXmlPromo } from "./orderxml-promo.ts";
import { stdRootPrice } from "./std-root-price.ts";
import { stdRootPromo } from "./std-root-promo.ts";
import { subChainsId } from "./subchains-id.ts";
import { subChainsIdRows } from "./subchains-id-rows.ts";
import { subChainsLaib } from "./subchains-laib.ts";
import { subChainsUpperId } from "./subchains-upper-id.ts";
import { subChainsXmlObject } from "./subchains-xmlobject.ts";
import { wolt } from "./wolt.ts";

/** Every dialect, the most particular first within its kind. */
export const DIALECTS: readonly Dialect[] = [
  orderXmlPrice,
  newDataSet,
  matrixProducts,
  laibNewPrice,
  stdRootPrice,
  orderXmlPromo,
  matrixSales,
  groups2026,
  cerberusPromo,
  laibNewPromo,
  wolt,
  stdRootPromo,
  abapUpper,
  subChainsXmlObject,
  matrixBranches,
  subChainsLaib,
  subChainsUpperId,
  subChainsIdRows,
  subChainsId,
];

/** The dialect of a file; null when no dialect knows its root, list or row. */
export function pickDialect(shape: Shape): Dialect | null {
  return DIALECTS.find((dialect) => dialect.kind === shape.kind && dialect.matches(shape)) ?? null;
}

/** Elements outside the rows that hold others and are never a row themselves. */
const CONTAINERS = new Set([
  "root",
  "envelope",
  "header",
  "schema",
  "diffgram",
  "values",
  "subchains",
  "subchain",
  "subchainsxmlobject",
  "subchainstoresxmlobject",
]);

/** Where rows stand, over all dialects of a kind. */
export interface Layout {
  /** Elements whose complex children are rows. */
  isList(name: string): boolean;
  /** Elements that are rows wherever they stand outside another row. */
  isRow(name: string): boolean;
  /** Elements that are never rows. */
  isContainer(name: string): boolean;
  /** The kind that a list or row element of another kind belongs to; null for every other name. */
  foreignKindOf(name: string): Kind | null;
}

/** The layout of files of a kind; of any kind when it is null (a file without a telling name). */
export function layoutOf(kind: Kind | null): Layout {
  const own = DIALECTS.filter((dialect) => kind === null || dialect.kind === kind);
  const lists = new Set(own.flatMap((dialect) => dialect.lists));
  const rows = new Set(own.flatMap((dialect) => dialect.rows));
  const foreign = new Map<string, Kind>();
  for (const dialect of DIALECTS) {
    for (const name of [...dialect.lists, ...dialect.rows]) {
      if (!lists.has(name) && !rows.has(name)) foreign.set(name, dialect.kind);
    }
  }
  return {
    isList: (name) => lists.has(name),
    isRow: (name) => rows.has(name),
    isContainer: (name) => CONTAINERS.has(name) || (lists.has(name) && !rows.has(name)),
    foreignKindOf: (name) => foreign.get(name) ?? null,
  };
}

/** The kind of a file whose name does not tell, by its list and row; null for lines of an order document. */
export function kindOfRow(list: string | null, row: string): Kind | null {
  const candidates = DIALECTS.filter((d) => d.rows.includes(row) || (list !== null && d.lists.includes(list)));
  const kinds = new Set(candidates.map((dialect) => dialect.kind));
  const [only] = kinds;
  return kinds.size === 1 && only !== undefined ? only : null;
}
