import { createLog } from "../../../shared/observability/log.ts";
import { createPool } from "../../../shared/database/open-database.ts";
import { apply } from "./loading.ts";
import { fileName, messagesOf, product } from "./messages.ts";

/** Loads one file into the database of its argument: a process that a test can kill. */
const pool = createPool(process.argv[2] ?? "", createLog({ level: "error" }), "writer-process");
await apply(
  pool,
  messagesOf({ name: fileName("PriceFull", "001", "202608140300"), rows: [product("7290000000013", "5.00", 1)] }),
);
await pool.end();
