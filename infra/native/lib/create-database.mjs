// The npm package of PostgreSQL brings no psql: creates the database of the address given, when it is missing.
import pg from "pg";

const target = new URL(process.argv[2] ?? "");
const name = target.pathname.slice(1);
target.pathname = "/postgres";
const client = new pg.Client({ connectionString: target.href });
await client.connect();
const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
await client.end();
