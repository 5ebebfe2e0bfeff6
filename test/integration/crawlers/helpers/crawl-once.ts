/** A crawler process for tests that kill it: three files of one chain, messages into the file TEST_BUS. */
import { Pool } from "pg";
import { crawl, familyOf, FileBus, listedAs, nameOf } from "./crawl.ts";

const pool = new Pool({ connectionString: process.env["TEST_DATABASE_URL"] });
const family = familyOf(() => [[1, 2, 3].map((store) => listedAs(nameOf(store)))]);
await crawl(pool, new FileBus(process.env["TEST_BUS"]), family).done;
await pool.end();
