import { type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, notFound, startHttpPortal } from "./http-server.ts";
import { escapeHtml, listedName } from "./names.ts";
import { israelText, sizeText } from "./times.ts";

export interface MatrixOptions {
  /** The chain that is crawled; rows are recognised by its Hebrew name. */
  chain?: PortalChain;
  /** Files of another chain in the same table, under its Hebrew name. */
  neighbour?: { nameHe: string; files: readonly PortalFile[] };
}

export const VICTORY_LEGACY: PortalChain = {
  key: "victory-legacy",
  nameEn: "Victory (old Matrix page)",
  nameHe: "ויקטורי",
  chainIds: ["7290696200003", "7290058103393"],
};

const PAGE = "NBCompetitionRegulations.aspx";
const NEIGHBOUR = {
  nameHe: "מחסני השוק",
  files: [
    {
      name: "PriceFull7290661400001-001-202601020300-001.xml.gz",
      content: Buffer.from("neighbour"),
      publishedAt: new Date("2026-01-02T01:00:00Z"),
    },
  ],
};

/** One HTML table with the files of several chains; relative links with backslashes. */
export async function startMatrix(files: readonly PortalFile[], options: MatrixOptions = {}): Promise<FakePortal> {
  const { chain = VICTORY_LEGACY, neighbour = NEIGHBOUR } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    const page = () => {
      const rows = [
        ...neighbour.files.map((file) => rowOf(file, neighbour.nameHe, listedName(file).chainId ?? "")),
        ...self.files().map((file) => rowOf(file, chain.nameHe, chain.chainIds[0] ?? "")),
      ];
      const head = "<tr><th>קובץ</th><th>רשת</th><th>סניף</th><th>סוג</th><th>גודל</th><th>תאריך</th><th></th></tr>";
      return `<html><body><div id="download_content"><table>${head}${rows.join("\n")}</table></div></body></html>`;
    };
    for (const path of ["/", `/${PAGE}`]) {
      app.get(path, async (_request, reply) => reply.type("text/html; charset=utf-8").send(page()));
    }
    app.get("/CompetitionRegulationsFiles/latest/:chainId/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = [...self.files(), ...neighbour.files].find((candidate) => candidate.name === name);
      return file ? self.sendFile(reply, file, "application/x-gzip") : notFound(reply);
    });
  });
  return asFakePortal(portal, "matrix", chain);
}

/** The folder is the first id of a chain, also for files whose name carries its second one. */
function rowOf(file: PortalFile, nameHe: string, folder: string): string {
  const { storeId, fileType } = listedName(file);
  const link = `CompetitionRegulationsFiles\\latest\\${folder}/${file.name}`;
  const size = sizeOf(file);
  return `<tr><td>${escapeHtml(file.name)}</td><td>${escapeHtml(nameHe)}</td><td>${storeId ?? ""}</td><td>${fileType ?? ""}</td><td>${size === null ? "" : sizeText(size)}</td><td>${israelText(file.publishedAt, "HH:mm dd/MM/yyyy")}</td><td><a href="${escapeHtml(link)}">להורדה</a></td></tr>`;
}
