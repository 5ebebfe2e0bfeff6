import type pg from "pg";
import type { ChainRegistry } from "../shared/stage.ts";
import { jsonText } from "./copy-text.ts";

/** Writes the chains of the registry into the table `chains`, touching only what differs. Chains that are not in it stay. */
export async function syncChains(db: Pick<pg.Pool, "query">, chains: ChainRegistry): Promise<void> {
  const rows = chains.all().map((chain) => ({
    chain: chain.key,
    chain_id: chain.chainIds[0] ?? "",
    name: chain.nameHe || chain.nameEn,
    portal: chain.portal,
    status: chain.status,
  }));
  await db.query(
    `INSERT INTO chains AS c (chain, chain_id, name, portal, status)
      SELECT chain, chain_id, name, portal, status
      FROM jsonb_to_recordset($1) AS r (chain text, chain_id text, name text, portal text, status text)
      ORDER BY chain
      ON CONFLICT (chain) DO UPDATE SET chain_id = EXCLUDED.chain_id, name = EXCLUDED.name, portal = EXCLUDED.portal, status = EXCLUDED.status
        WHERE (c.chain_id, c.name, c.portal, c.status) IS DISTINCT FROM (EXCLUDED.chain_id, EXCLUDED.name, EXCLUDED.portal, EXCLUDED.status)`,
    [jsonText(rows)],
  );
}
