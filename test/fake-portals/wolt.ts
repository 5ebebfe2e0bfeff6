import type { PortalFile } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, notFound, startHttpPortal } from "./http-server.ts";
import { escapeHtml, listedName } from "./names.ts";

export interface WoltOptions {
  chain?: PortalChain;
  /** A day without files: a page with an empty list (default), or no page at all. */
  emptyDay?: "page" | "404";
}

export const WOLT: PortalChain = {
  key: "wolt",
  nameEn: "Wolt",
  nameHe: "וולט",
  chainIds: ["7290058249350"],
};

const BASE = "isr-prices/public/v1/";

/** One HTML page per day with a list of links; an index links the days. */
export async function startWolt(files: readonly PortalFile[], options: WoltOptions = {}): Promise<FakePortal> {
  const { chain = WOLT } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    const dayOf = (file: PortalFile) => listedName(file).day;
    app.get(`/${BASE}index.html`, async (_request, reply) => {
      const days = [...new Set(self.files().map(dayOf))].sort();
      return reply.type("text/html").send(listOf(days.map((day) => [`${day}.html`, day])));
    });
    app.get(`/${BASE}:page`, async (request, reply) => {
      const day = (request.params as { page: string }).page.replace(/\.html$/, "");
      const ofDay = self.files().filter((file) => dayOf(file) === day);
      if (ofDay.length === 0 && options.emptyDay === "404") return notFound(reply);
      return reply.type("text/html").send(listOf(ofDay.map((file) => [`${day}/${file.name}`, file.name])));
    });
    app.get(`/${BASE}:day/:name`, async (request, reply) => {
      const { day, name } = request.params as { day: string; name: string };
      const file = self.files().find((candidate) => candidate.name === name && dayOf(candidate) === day);
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "wolt", chain, { basePath: BASE });
}

function listOf(links: readonly (readonly [href: string, text: string])[]): string {
  const items = links.map(([href, text]) => `<li><a href="${escapeHtml(href)}">${escapeHtml(text)}</a></li>`);
  return `<html><body><ul>${items.join("\n")}</ul></body></html>`;
}
