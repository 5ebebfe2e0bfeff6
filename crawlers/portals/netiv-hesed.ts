import type { ListedFile, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { readFileTable } from "../listing/table.ts";

/** One HTML table with everything. */
export const netivHesed: PortalFamily = {
  name: "netiv-hesed",
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list({ chain, http }: PortalContext): AsyncGenerator<ListedFile[]> {
  const html = await http.text(chain.baseUrl);
  yield readFileTable(html, chain.baseUrl, { portal: "netiv-hesed", rows: "table tr", skipFirst: true }).files;
}
