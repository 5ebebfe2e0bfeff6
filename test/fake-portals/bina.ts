import type { FileType } from "../../shared/contracts/file-identity.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, type HttpPortal, notFound, queryOf, startHttpPortal } from "./http-server.ts";
import { listedName, sameStore, slashedDay } from "./names.ts";
import { israelText } from "./times.ts";

export interface BinaOptions {
  chain?: PortalChain;
  /** Entries of one answer at most; default 1000. */
  cap?: number;
  /** Names whose link leads to a 404. */
  deadLinks?: readonly string[];
  /** Host that links name in place of 127.0.0.1, for example `localhost`. */
  downloadHost?: string;
}

export const KING_STORE: PortalChain = {
  key: "king-store",
  nameEn: "King Store",
  nameHe: "קינג סטור",
  chainIds: ["7290058108879"],
};

const TYPE_NUMBER: Record<FileType, string> = {
  stores: "1",
  price: "2",
  promo: "3",
  "price-full": "4",
  "promo-full": "5",
};
const TYPE_WORD: Record<FileType, string> = {
  stores: "Stores",
  price: "Price",
  promo: "Promo",
  "price-full": "PriceFull",
  "promo-full": "PromoFull",
};

/** JSON listing cut at 1000 entries, filters by type, store and day; a link is asked for per file and then fetched. */
export async function startBina(files: readonly PortalFile[], options: BinaOptions = {}): Promise<FakePortal> {
  const { chain = KING_STORE, cap = 1000 } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/MainIO_Hok.aspx", async (request, reply) => {
      const rows = filesOf(self, chain, queryOf(request))
        .slice(0, cap)
        .map((file) => entryOf(file, chain));
      return reply.type("text/html; charset=utf-8").send(JSON.stringify(rows));
    });
    app.get("/Download.aspx", async (request, reply) => {
      const name = queryOf(request)("FileNm");
      const dead = options.deadLinks?.includes(name);
      const link = new URL(`Download/${dead ? "gone/" : ""}${encodeURIComponent(name)}`, self.url);
      if (options.downloadHost) link.hostname = options.downloadHost;
      return reply.type("text/html; charset=utf-8").send(JSON.stringify(name ? [{ SPath: link.href }] : []));
    });
    app.get("/Download/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = self.files().find((candidate) => candidate.name === name);
      return file ? self.sendFile(reply, file, "application/x-gzip") : notFound(reply);
    });
  });
  return asFakePortal(portal, "bina", chain, options.downloadHost ? { hosts: [options.downloadHost] } : {});
}

function filesOf(portal: HttpPortal, chain: PortalChain, query: (name: string) => string): PortalFile[] {
  if (query("wReshet") !== "הכל") return [];
  const [id, type, day, store] = [query("_"), query("WFileType"), query("WDate"), query("WStore")];
  // Names with a short id of their own are listed under the first id of the chain.
  const idOf = (chainId: string | null) => (chainId && chain.chainIds.includes(chainId) ? chainId : chain.chainIds[0]);
  return portal.files().filter((file) => {
    const name = listedName(file);
    return (
      (id === "" || idOf(name.chainId) === id) &&
      (type === "" || type === "0" || (name.fileType !== null && TYPE_NUMBER[name.fileType] === type)) &&
      (day === "" || slashedDay(name.day) === day) &&
      (store === "" || store === "0" || sameStore(name.storeId, store))
    );
  });
}

function entryOf(file: PortalFile, chain: PortalChain): object {
  const { fileType, storeId } = listedName(file);
  // A file with the NULL prefix has nothing but its name, as in the documented example.
  if (file.name.startsWith("NULL")) return { FileNm: file.name };
  return {
    FileNm: file.name,
    Company: chain.nameHe,
    Store: storeId ?? "",
    TypeFile: fileType === null ? "" : TYPE_WORD[fileType],
    DateFile: israelText(file.publishedAt, "HH:mm dd/MM/yyyy"),
  };
}
