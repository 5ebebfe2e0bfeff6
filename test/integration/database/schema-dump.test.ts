import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { dumpSchema } from "../../../shared/database/schema-dump.ts";
import { createTestDatabase } from "../../helpers/database.ts";

/** Another major version words the same schema another way. */
const DUMPED_WITH = 18;
const SCHEMA_FILE = join(import.meta.dirname, "../../../writer/schema.sql");

const database = await createTestDatabase();
afterAll(() => database.drop());
const client = await database.pool.connect();
afterAll(() => client.release());
const { rows } = await client.query<{ major: number }>(
  "SELECT current_setting('server_version_num')::int / 10000 AS major",
);
const major = rows[0]?.major;

const skipped = major === DUMPED_WITH ? "" : ` [skipped: PostgreSQL ${major}, dumped with ${DUMPED_WITH}]`;
test.skipIf(major !== DUMPED_WITH)(
  `writer/schema.sql is what the migrations make (after a new one: npm run schema:dump)${skipped}`,
  async () => {
    await expect(await dumpSchema(client)).toMatchFileSnapshot(SCHEMA_FILE);
  },
);

test("the dump shows a changed column, index, view and grant", async () => {
  const before = (await dumpSchema(client)).split("\n");
  await client.query(`
    ALTER TABLE chains ADD COLUMN probe integer NOT NULL DEFAULT 7;
    CREATE INDEX probe_index ON chains (probe) WHERE probe > 1;
    CREATE VIEW probe_view AS SELECT 1 AS one;
    REVOKE SELECT ON stores FROM gogobe_reader;`);
  const after = (await dumpSchema(client)).split("\n");
  expect(after.filter((line) => !before.includes(line))).toEqual([
    "  probe integer DEFAULT 7 NOT NULL,",
    "CREATE INDEX probe_index ON public.chains USING btree (probe) WHERE (probe > 1);",
    "CREATE VIEW probe_view AS",
    " SELECT 1 AS one;",
    "GRANT SELECT ON probe_view TO gogobe_reader;",
  ]);
  expect(before.filter((line) => !after.includes(line))).toEqual(["GRANT SELECT ON stores TO gogobe_reader;"]);
});
