import { type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, notFound, queryOf, startHttpPortal } from "./http-server.ts";
import { listedName, sameStore } from "./names.ts";
import { sizeText } from "./times.ts";

export interface LaibcatalogOptions {
  chain?: PortalChain;
  /** The branches answer is an empty array. */
  withoutBranches?: boolean;
  /** The answer for a branch holds its own files and the chain-wide ones; without this every branch repeats all of them. */
  branchesFilter?: boolean;
  /** Branches that are listed and publish nothing any more. */
  idleBranches?: readonly number[];
  /** Type words in lower case and short (`store`, `pricefull`). */
  lowerCaseTypes?: boolean;
}

export const VICTORY: PortalChain = {
  key: "victory",
  nameEn: "Victory",
  nameHe: "ויקטורי",
  chainIds: ["7290696200003", "7290058103393"],
};

/** JSON of branches and of files per branch; the answers of different branches repeat the same files. */
export async function startLaibcatalog(
  files: readonly PortalFile[],
  options: LaibcatalogOptions = {},
): Promise<FakePortal> {
  const { chain = VICTORY } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    const ofChain = (id: string) => self.files().filter((file) => listedName(file).chainId === id);
    const answers = (file: PortalFile, branch: string) => {
      if (options.idleBranches?.includes(Number(branch))) return false;
      if (!options.branchesFilter || branch === "" || branchOf(file) === null) return true;
      return sameStore(listedName(file).storeId, branch);
    };
    app.get("/webapi/api/getbranches", (request, reply) => {
      if (options.withoutBranches) return reply.send([]);
      const stores = ofChain(queryOf(request)("edi")).flatMap((file) => branchOf(file) ?? []);
      return reply.send(
        [...new Set([...stores, ...(options.idleBranches ?? [])])].map((number) => ({
          number,
          name: `סניף ${number}`,
        })),
      );
    });
    app.get("/webapi/api/getfiles", (request, reply) => {
      const query = queryOf(request);
      const branch = query("branchNumber");
      const rows = ofChain(query("edi"))
        .filter((file) => answers(file, branch))
        .map((file) => entryOf(file, options.lowerCaseTypes ?? false));
      return reply.send(rows);
    });
    app.get("/webapi/:chainId/:name", async (request, reply) => {
      const { chainId, name } = request.params as { chainId: string; name: string };
      const file = self.files().find((candidate) => candidate.name === name);
      // Files of every id of a chain lie in the folder of its first one.
      return file && chainId === chain.chainIds[0] ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "laibcatalog", chain);
}

/** Null for a chain-wide file (no store, or store 000). */
function branchOf(file: PortalFile): number | null {
  const { fileType, storeId } = listedName(file);
  return fileType === "stores" || storeId === null ? null : Number(storeId);
}

function entryOf(file: PortalFile, lowerCase: boolean): object {
  const word = /^(?:NULL)?([a-z]+)/i.exec(file.name)?.[1] ?? "";
  const size = sizeOf(file);
  return {
    fileName: file.name,
    fileType: lowerCase ? word.toLowerCase().replace(/^stores/, "store") : word,
    fileSize: size === null ? "" : sizeText(size),
  };
}
