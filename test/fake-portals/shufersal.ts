import { createHmac, randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FileType } from "../../shared/contracts/file-identity.ts";
import { type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import { type FakePortal, overrideFor, type PortalChain } from "./fake-portal.ts";
import { type HttpPortal, startHttpPortal } from "./http-server.ts";
import { escapeHtml, listedName, sameStore } from "./names.ts";
import { israelText, sizeText } from "./times.ts";

export interface ShufersalOptions {
  chain?: PortalChain;
  /** How long a download link lives; default 30 minutes. */
  linkLifeMs?: number;
  /** Names whose links have expired already when they are listed. */
  expiredNames?: readonly string[];
  /** Rows of one page; default 20. */
  pageSize?: number;
  /** The last row of a page comes again as the first of the next. */
  repeatsRowOnNextPage?: boolean;
  /** So many of the first files vanish after page 1 was served, and all others move up. */
  shrinksBy?: number;
  /** A page behind the last: empty (default), or the last one again. */
  beyondEnd?: "empty" | "last";
  /** The pager is missing although there are more pages. */
  withoutPager?: boolean;
  /** The portal's clock, in milliseconds. */
  now?: () => number;
}

export interface FakeShufersal extends FakePortal {
  /** Every link given out so far is refused from now on. */
  expireLinks(): void;
}

const CATEGORY_OF: Record<FileType, number> = { price: 1, "price-full": 2, promo: 3, "promo-full": 4, stores: 5 };
const FOLDER_OF: Record<FileType, string> = {
  price: "price",
  "price-full": "pricefull",
  promo: "promo",
  "promo-full": "promofull",
  stores: "stores",
};

export const SHUFERSAL: PortalChain = {
  key: "shufersal",
  nameEn: "Shufersal",
  nameHe: "שופרסל",
  chainIds: ["7290027600007"],
};

/** HTML table of 20 rows a page at `/FileObject/UpdateCategory`, signed blob links that expire. */
export async function startShufersal(
  files: readonly PortalFile[],
  options: ShufersalOptions = {},
): Promise<FakeShufersal> {
  const { chain = SHUFERSAL, now = Date.now, pageSize = 20 } = options;
  let secret = randomBytes(16);
  let shrunk = false;

  const sign = (name: string, expiry: string) =>
    createHmac("sha256", secret).update(`${name}\n${expiry}`).digest("base64");

  function linkTo(portal: HttpPortal, file: PortalFile): string {
    const folder = FOLDER_OF[listedName(file).fileType ?? "stores"];
    const life = options.expiredNames?.includes(file.name) ? -60_000 : (options.linkLifeMs ?? 30 * 60_000);
    const expiry = new Date(now() + life).toISOString().replace(/\.\d+Z$/, "Z");
    const query = `sv=2014-02-14&sr=b&sig=${encodeURIComponent(sign(blobName(file), expiry))}&se=${encodeURIComponent(expiry)}&sp=r`;
    return `${portal.url}${folder}/${blobName(file)}?${query}`;
  }

  function listPage(portal: HttpPortal, request: FastifyRequest): string {
    const query = request.query as Record<string, string | undefined>;
    const wanted = Math.max(1, Number(query["page"] ?? 1));
    const all = filesOf(portal, query).slice(shrunk ? (options.shrinksBy ?? 0) : 0);
    if (options.shrinksBy && wanted === 1) shrunk = true;
    const last = Math.max(1, Math.ceil(all.length / pageSize));
    const page = options.beyondEnd === "last" ? Math.min(wanted, last) : wanted;
    const start = (page - 1) * pageSize;
    const rows = all.slice(start, start + pageSize);
    const repeated = options.repeatsRowOnNextPage ? all[start - 1] : undefined;
    if (repeated && rows.length > 0) rows.unshift(repeated);
    const body = rows.map((file, index) => rowOf(file, linkTo(portal, file), start + index + 1)).join("\n");
    const foot = last > 1 && !options.withoutPager ? pager(query, page, last) : "";
    return `<!DOCTYPE html><html><body><div id="gridContainer"><table class="webgrid">
 <thead><tr><th>Download</th><th>Updated</th><th>Size</th><th>Type</th><th>Category</th><th>Branch</th><th>Name</th><th>#</th></tr></thead>
 ${foot}
 <tbody>${body}</tbody></table></div></body></html>`;
  }

  function download(portal: HttpPortal, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { name } = request.params as { name: string };
    const { sig, se } = request.query as { sig?: string; se?: string };
    if (!sig || !se || sig !== sign(name, se)) return azureError(reply, "Signature did not match.");
    if (Date.parse(se) <= now()) return azureError(reply, `Signature not valid in the specified time frame: [${se}]`);
    const file = portal.files().find((candidate) => blobName(candidate) === name);
    if (!file)
      return reply
        .code(404)
        .type("application/xml")
        .send(azureBody("BlobNotFound", "The specified blob does not exist."));
    return portal.sendFile(reply, file);
  }

  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/FileObject/UpdateCategory", async (request, reply) =>
      reply.type("text/html; charset=utf-8").send(listPage(self, request)),
    );
    app.get("/:folder/:name", (request, reply) => download(self, request, reply));
  });
  return Object.assign(portal, {
    family: "shufersal",
    chainOverrides: () => ({ [chain.key]: overrideFor(chain, "shufersal", portal.url) }),
    expireLinks: () => {
      secret = randomBytes(16);
    },
  });
}

function filesOf(portal: HttpPortal, query: Record<string, string | undefined>): readonly PortalFile[] {
  const category = Number(query["catID"] ?? 0);
  const store = query["storeId"];
  return portal.files().filter((file) => {
    const { fileType, storeId } = listedName(file);
    const ofCategory = category === 0 || (fileType !== null && CATEGORY_OF[fileType] === category);
    return ofCategory && (!store || store === "0" || sameStore(storeId, store));
  });
}

const blobName = (file: PortalFile) => (file.name.endsWith(".gz") ? file.name : `${file.name}.gz`);

function rowOf(file: PortalFile, link: string, number: number): string {
  const { fileType, storeId } = listedName(file);
  const size = sizeOf(file);
  return `<tr class="webgrid-row-style"><td><a href="${escapeHtml(link)}" target="_blank">לחץ להורדה</a></td><td>${israelText(file.publishedAt, "L/d/yyyy h:mm:ss a")}</td><td>${size === null ? "" : sizeText(size)}</td><td>GZ</td><td>${fileType ? FOLDER_OF[fileType] : ""}</td><td>${storeId ?? ""} - סניף</td><td>${escapeHtml(file.name.replace(/\.gz$/, ""))}</td><td>${number}</td></tr>`;
}

/** Four numbers around the page, then next and last: on the first page the sixth anchor leads to the last one. */
function pager(query: Record<string, string | undefined>, page: number, last: number): string {
  const others = Object.entries(query).filter(([name]) => name !== "page");
  const base = others.map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`).join("&");
  const link = (to: number, text: string) =>
    `<a href="/FileObject/UpdateCategory?${escapeHtml(`${base}&page=${to}`)}">${text}</a>`;
  const first = Math.max(1, Math.min(page - 1, last - 3));
  const numbers = Array.from({ length: Math.min(4, last) }, (_, index) => first + index);
  const links = [
    ...(page > 1 ? [link(1, "&lt;&lt;"), link(page - 1, "&lt;")] : []),
    ...numbers.map((number) => (number === page ? `<a href="#">${number}</a>` : link(number, String(number)))),
    ...(page < last ? [link(page + 1, "&gt;"), link(last, "&gt;&gt;")] : []),
  ];
  return `<tfoot><tr><td colspan="8">${links.join(" ")}</td></tr></tfoot>`;
}

function azureError(reply: FastifyReply, detail: string): FastifyReply {
  const message =
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly.";
  return reply
    .code(403)
    .type("application/xml")
    .send(azureBody("AuthenticationFailed", message, detail));
}

function azureBody(code: string, message: string, detail?: string): string {
  const more =
    detail === undefined ? "" : `<AuthenticationErrorDetail>${escapeHtml(detail)}</AuthenticationErrorDetail>`;
  return `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;
}
