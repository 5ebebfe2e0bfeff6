import type { ListedFile, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { nameInLink } from "../listing/html.ts";
import { readFileTable } from "../listing/table.ts";

/**
 * The old page of several chains: one HTML table for all of them, links with backslashes. A row belongs to the chain that it names
 * in Hebrew (`settings.hebrewName`), or whose id is in its folder or file name.
 */
export const matrix: PortalFamily = {
  name: "matrix",
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list({ chain, http }: PortalContext): AsyncGenerator<ListedFile[]> {
  const { hebrewName } = chain.settings;
  const html = await http.text(chain.baseUrl);
  yield readFileTable(html, chain.baseUrl, {
    portal: "matrix",
    rows: "table tr",
    skipFirst: true,
    keep: (text, href) =>
      (typeof hebrewName === "string" && text.includes(hebrewName)) ||
      chain.chainIds.some((id) => href.includes(`/${id}/`) || nameInLink(href).includes(id)),
  }).files;
}
