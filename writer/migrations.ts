import { fileURLToPath } from "node:url";

/** Directory of the SQL migrations. The writer owns the schema: it is the tables' only author. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL("./migrations", import.meta.url));
