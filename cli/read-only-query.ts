import { type Pool, type PoolClient, type QueryArrayConfig, type QueryArrayResult, types } from "pg";
import { type GogobeError, UsageError } from "../shared/errors.ts";
import type { Row } from "./output.ts";

/** The role that may read the published tables and nothing else (architecture §5). */
export const READER_ROLE = "gogobe_reader";

/** SQLSTATE classes of a statement that a person wrote wrong. */
const WRONG_STATEMENT = /^(42|22|0A|21|34|54)/;
const REFUSED = new Set(["25006", "42501", "42P11"]);
const TIMED_OUT = "57014";

/** Days and times without a zone stay as the server writes them: a Date would move them to this machine's zone. */
const TEXT_TYPES = new Set<number>([types.builtins.DATE, types.builtins.TIMESTAMP]);

/**
 * Runs one statement that cannot write. Three walls, all of PostgreSQL's own making: a READ ONLY transaction; the reader role, where
 * this user may take it on; and a cursor, which takes one SELECT or VALUES and nothing else (a DO block could take the role off again).
 * EXPLAIN and SHOW have no cursor, and no way to do more than that.
 * @throws {UsageError} for SQL that is wrong or would write
 */
export async function queryReadOnly(
  pool: Pool,
  sql: string,
  limits: { timeoutSeconds: number },
): Promise<{ columns: string[]; rows: Row[] }> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN READ ONLY");
    await client.query(`SET LOCAL statement_timeout = ${limits.timeoutSeconds * 1000}`);
    if (await mayBecomeReader(client)) await client.query(`SET LOCAL ROLE ${READER_ROLE}`);
    return asRows(await runAlone(client, sql));
  } catch (error) {
    throw explain(error);
  } finally {
    // Ends what the statement set for its transaction: role, limits, cursor.
    const broken = await client.query("ROLLBACK").then(
      () => false,
      () => true,
    );
    client.release(broken);
  }
}

async function runAlone(client: PoolClient, sql: string): Promise<QueryArrayResult> {
  const statement = sql.trim().replace(/;$/, "");
  if (/^(EXPLAIN|SHOW)\b/i.test(statement)) return client.query(extended(statement));
  await client.query(extended(`DECLARE answer NO SCROLL CURSOR FOR ${statement}`));
  return client.query(extended("FETCH ALL FROM answer"));
}

/** The extended protocol takes exactly one statement: nothing can be appended behind a semicolon. */
function extended(text: string): QueryArrayConfig & { queryMode: "extended" } {
  return {
    text,
    rowMode: "array",
    queryMode: "extended",
    types: {
      getTypeParser: (id, format) =>
        TEXT_TYPES.has(id) ? (value: string) => value : types.getTypeParser(id, format as "text"),
    },
  };
}

/** Rows by column name; a name that stands twice is numbered, so that no value is lost. */
function asRows(result: QueryArrayResult): { columns: string[]; rows: Row[] } {
  const columns: string[] = [];
  for (const { name } of result.fields) {
    const same = result.fields.slice(0, columns.length).filter((field) => field.name === name).length;
    columns.push(same === 0 ? name : `${name}_${same + 1}`);
  }
  const rows = result.rows.map((values) =>
    Object.fromEntries(columns.map((column, index) => [column, values[index] as Row[string]])),
  );
  return { columns, rows };
}

async function mayBecomeReader(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'MEMBER')), false) AS may FROM pg_roles WHERE rolname = $1`,
    [READER_ROLE],
  );
  return rows[0]?.may ?? false;
}

function explain(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  if (REFUSED.has(code)) {
    const hint = "gogobe query only reads; gogobe db url gives an address for everything else";
    return usage(`the statement is refused: ${error.message}`, error, hint);
  }
  if (code === TIMED_OUT) {
    return usage(`the statement took too long: ${error.message}`, error, "give it longer with --timeout <seconds>");
  }
  if (WRONG_STATEMENT.test(code)) {
    const hint = "give one SELECT, VALUES, TABLE, SHOW or EXPLAIN statement; the tables are in docs/data-model.md";
    return usage(`the statement is wrong or not a query: ${error.message}`, error, hint);
  }
  return error;
}

function usage(message: string, cause: unknown, hint: string): GogobeError {
  return new UsageError(message, { cause, hint });
}
