import type { ListedFile, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { layoutError } from "../listing/html.ts";
import { parseJsonList, withText } from "../listing/json-list.ts";

/** A JSON array of names and absolute links, without sizes and without any filter. */
export const meshnatYosefWorker: PortalFamily = {
  name: "meshnat-yosef-worker",
  list,
  resolve: (context, file) => resolvePlain(context, list, file),
};

async function* list({ chain, http }: PortalContext): AsyncGenerator<ListedFile[]> {
  const body = await http.text(chain.baseUrl);
  const entries = withText(
    "meshnat-yosef-worker",
    "name",
    chain.baseUrl,
    parseJsonList("meshnat-yosef-worker", chain.baseUrl, body),
  );
  const files = entries.flatMap(([fileName, { url }]): ListedFile[] =>
    typeof url === "string" && URL.canParse(url, chain.baseUrl)
      ? [{ fileName, url: new URL(url, chain.baseUrl).href, sizeBytes: null, listedAt: null }]
      : [],
  );
  if (entries.length > 0 && files.length === 0)
    throw layoutError("meshnat-yosef-worker", 'the key "url"', chain.baseUrl, body);
  yield files;
}
