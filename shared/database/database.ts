import type pg from "pg";

/** An open PostgreSQL database with its schema migrated: a server by DATABASE_URL, or the embedded one. */
export interface Database {
  pool: pg.Pool;
  /** Connection URL, password included: for people who ask for it, never for a log. */
  url: string;
  /** Closes the pool; the embedded server stops when nobody else on this GOGOBE_HOME uses it. */
  close(): Promise<void>;
}
