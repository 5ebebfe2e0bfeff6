import type { FastifyRequest } from "fastify";
import type { PortalFile } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, type HttpPortal, notFound, queryOf, startHttpPortal } from "./http-server.ts";
import { escapeHtml, listedName, stemOf } from "./names.ts";
import { kilobytes, numberedPager, SHOP_TYPE } from "./numbered-pages.ts";

export interface HaziHinamOptions {
  chain?: PortalChain;
  /** Default 20. */
  pageSize?: number;
  /** The columns before 2025-02: name second, link fifth. */
  oldColumns?: boolean;
}

export const HAZI_HINAM: PortalChain = {
  key: "hazi-hinam",
  nameEn: "Hazi Hinam",
  nameHe: "חצי חינם",
  chainIds: ["7290700100008"],
};

/** Paged HTML table per day and type; names without extension, absolute links. */
export async function startHaziHinam(
  files: readonly PortalFile[],
  options: HaziHinamOptions = {},
): Promise<FakePortal> {
  const { chain = HAZI_HINAM, pageSize = 20, oldColumns = false } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/Prices", async (request, reply) =>
      reply.type("text/html; charset=utf-8").send(listPage(self, request, pageSize, oldColumns)),
    );
    app.get("/files/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = self.files().find((candidate) => `${stemOf(candidate.name)}.xml.gz` === name);
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "hazi-hinam", chain, { basePath: "Prices" });
}

function listPage(portal: HttpPortal, request: FastifyRequest, pageSize: number, oldColumns: boolean): string {
  const query = queryOf(request);
  const [day, type] = [query("d"), query("t")];
  const all = portal.files().filter((file) => {
    const name = listedName(file);
    const ofType = type === "" || type === "null" || (name.fileType !== null && SHOP_TYPE[name.fileType] === type);
    return ofType && name.day === day;
  });
  const page = Math.max(1, Number(query("p") || "1"));
  const rows = all
    .slice((page - 1) * pageSize, page * pageSize)
    .map((file, index) => rowOf(portal, file, (page - 1) * pageSize + index + 1, oldColumns));
  const linkTo = (to: number) => `/Prices?d=${day}&t=${type || "null"}&f=null&p=${to}`;
  return `<html><body><table><thead></thead><tbody>${rows.join("\n")}</tbody></table>
${numberedPager(Math.ceil(all.length / pageSize), linkTo)}</body></html>`;
}

function rowOf(portal: HttpPortal, file: PortalFile, number: number, oldColumns: boolean): string {
  const { storeId } = listedName(file);
  const stem = stemOf(file.name);
  const word = /^(?:NULL)?([a-z]+)/i.exec(file.name)?.[1] ?? "";
  const link = `<a href="${escapeHtml(`${portal.url}files/${stem}.xml.gz`)}">x</a>`;
  const cells = [...(oldColumns ? [] : [String(number)]), word, ` ${stem} `, storeId ?? "", kilobytes(file), link];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
}
