import { type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, notFound, startHttpPortal } from "./http-server.ts";
import { escapeHtml } from "./names.ts";
import { sizeText } from "./times.ts";

export interface NetivHesedOptions {
  chain?: PortalChain;
}

export const NETIV_HESED: PortalChain = {
  key: "netiv-hesed",
  nameEn: "Netiv HaHesed",
  nameHe: "נתיב החסד",
  chainIds: ["7290058160839"],
};

/** One HTML table with all files. The real one is down on Shabbat: `goDown`. */
export async function startNetivHesed(
  files: readonly PortalFile[],
  options: NetivHesedOptions = {},
): Promise<FakePortal> {
  const { chain = NETIV_HESED } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/", async (_request, reply) => {
      const rows = self.files().map((file) => {
        const size = sizeOf(file);
        return `<tr><td><a href="/prices/${escapeHtml(file.name)}">file</a></td><td>${size === null ? "" : sizeText(size)}</td></tr>`;
      });
      return reply
        .type("text/html; charset=utf-8")
        .send(`<html><body><table><tr><th>File</th><th>Size</th></tr>${rows.join("\n")}</table></body></html>`);
    });
    app.get("/prices/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = self.files().find((candidate) => candidate.name === name);
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "netiv-hesed", chain);
}
