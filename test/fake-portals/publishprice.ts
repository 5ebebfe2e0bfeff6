import { type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, notFound, queryOf, startHttpPortal } from "./http-server.ts";
import { listedName } from "./names.ts";
import { sizeText } from "./times.ts";

export interface PublishpriceOptions {
  chain?: PortalChain;
  /** `json` since 2026-01 (default); `anchors` from 2024-08; `directory` in 2022. */
  generation?: "json" | "anchors" | "directory";
  /** The path constant is empty and files lie at the root. */
  emptyPath?: boolean;
}

export const CARREFOUR: PortalChain = {
  key: "carrefour",
  nameEn: "Carrefour",
  nameHe: "קרפור",
  chainIds: ["7290055700007"],
};

const folderOf = (file: PortalFile) => listedName(file).day.replaceAll("-", "");

/** A page per day whose files stand in a script; a day without files has no such script. */
export async function startPublishprice(
  files: readonly PortalFile[],
  options: PublishpriceOptions = {},
): Promise<FakePortal> {
  const { chain = CARREFOUR, generation = "json", emptyPath = false } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    const ofDay = (folder: string) => self.files().filter((file) => folderOf(file) === folder);
    const newest = () => self.files().map(folderOf).toSorted().at(-1) ?? "";
    const send = (name: string, folder: string | null) =>
      self.files().find((file) => file.name === name && (folder === null || folderOf(file) === folder));

    app.get("/", async (request, reply) => {
      reply.type("text/html; charset=utf-8");
      if (generation === "directory") return folderIndex([...new Set(self.files().map(folderOf))]);
      const folder = /(\d{8})$/.exec(queryOf(request)("p"))?.[1] ?? newest();
      return page(ofDay(folder), emptyPath ? "" : folder, generation);
    });
    app.get("/:folder/", async (request, reply) => {
      const { folder } = request.params as { folder: string };
      if (generation !== "directory") return notFound(reply);
      return reply.type("text/html; charset=utf-8").send(directoryPage(ofDay(folder)));
    });
    app.get("/:folder/:name", async (request, reply) => {
      const { folder, name } = request.params as { folder: string; name: string };
      const file = emptyPath ? undefined : send(name, folder);
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
    app.get("/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = emptyPath ? send(name, null) : undefined;
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "publishprice", chain);
}

function page(files: readonly PortalFile[], path: string, generation: "json" | "anchors"): string {
  if (files.length === 0) return '<html><body><p>אין קבצים</p><script src="/app.js"></script></body></html>';
  return generation === "json" ? jsonPage(files, path) : anchorsPage(files, path);
}

function jsonPage(files: readonly PortalFile[], path: string): string {
  const list = files.map((file) => ({ name: file.name, size: sizeOf(file) ?? 0 }));
  return `<html><body><div id="files"></div>
<script src="/app.js"></script>
<script>
const path = '${path}';
const files = ${JSON.stringify(list)};
const chains = [];
</script>
<script>render(files)</script></body></html>`;
}

function anchorsPage(files: readonly PortalFile[], path: string): string {
  const anchors = files.map((file) => {
    const href = path === "" ? file.name : `${path}/${file.name}`;
    return `<a href="${href}" download>${file.name}</a>`;
  });
  return `<html><body><table></table>
<script src="/jquery.js"></script>
<script>
const files_html = ${JSON.stringify(anchors)};
show(files_html);
</script></body></html>`;
}

function folderIndex(folders: readonly string[]): string {
  const rows = folders.map((folder) => `<tr><td><a href="${folder}/">${folder}/</a></td><td>-</td></tr>`);
  return `<html><body><h1>Index of /</h1><table><tr><th>Name</th><th>Size</th></tr>${rows.join("\n")}</table></body></html>`;
}

function directoryPage(files: readonly PortalFile[]): string {
  const rows = files.map(
    (file) => `<tr><td><a href="${file.name}">${file.name}</a></td><td>${sizeText(sizeOf(file) ?? 0)}</td></tr>`,
  );
  return `<html><body><table><tr><th>Name</th><th>Size</th></tr><tr><td><a href="../">Parent Directory</a></td><td>-</td></tr>${rows.join("\n")}</table></body></html>`;
}
