import type { FastifyRequest } from "fastify";
import type { PortalFile } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, type HttpPortal, notFound, queryOf, startHttpPortal } from "./http-server.ts";
import { listedName, sameStore, stemOf } from "./names.ts";
import { kilobytes, numberedPager, SHOP_TYPE } from "./numbered-pages.ts";
import { israelText } from "./times.ts";

export interface CityMarketShopsOptions {
  chain?: PortalChain;
  /** Default 20. */
  pageSize?: number;
}

export const CITY_MARKET_SHOPS: PortalChain = {
  key: "city-market-shops",
  nameEn: "City Market (shops site)",
  nameHe: "סיטי מרקט",
  chainIds: ["7290000000003"],
};

/** Paged HTML table with filters for day, store, type and full or delta; names without extension, relative links. */
export async function startCityMarketShops(
  files: readonly PortalFile[],
  options: CityMarketShopsOptions = {},
): Promise<FakePortal> {
  const { chain = CITY_MARKET_SHOPS, pageSize = 20 } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/", async (request, reply) =>
      reply.type("text/html; charset=utf-8").send(listPage(self, request, pageSize)),
    );
    app.get("/Files/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = self.files().find((candidate) => `${stemOf(candidate.name)}.xml.gz` === name);
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "city-market-shops", chain);
}

function listPage(portal: HttpPortal, request: FastifyRequest, pageSize: number): string {
  const query = queryOf(request);
  const [day, store, type, full] = [query("d"), query("s"), query("t"), query("f")];
  const all = portal.files().filter((file) => {
    const name = listedName(file);
    const isFull = name.fileType?.endsWith("-full") === true || name.fileType === "stores";
    return (
      (day === "" || name.day === day) &&
      (store === "" || sameStore(name.storeId, store)) &&
      (type === "" || (name.fileType !== null && SHOP_TYPE[name.fileType] === type)) &&
      (full === "" || (full === "1") === isFull)
    );
  });
  const page = Math.max(1, Number(query("p") || "1"));
  const rows = all.slice((page - 1) * pageSize, page * pageSize).map(rowOf);
  const linkTo = (to: number) => `/?d=${day}&s=${store}&t=${type}&f=${full}&p=${to}`;
  return `<html><body><table><thead></thead><tbody>${rows.join("\n")}</tbody></table>
${numberedPager(Math.ceil(all.length / pageSize), linkTo)}</body></html>`;
}

function rowOf(file: PortalFile): string {
  const { storeId } = listedName(file);
  const stem = stemOf(file.name);
  const word = /^(?:NULL)?([a-z]+)/i.exec(file.name)?.[1] ?? "";
  const link = `<a href="Files/${stem}.xml.gz">הורדה</a>`;
  const cells = [
    word,
    storeId ?? "",
    stem,
    israelText(file.publishedAt, "dd/MM/yyyy"),
    israelText(file.publishedAt, "HH:mm"),
    kilobytes(file),
    link,
  ];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
}
