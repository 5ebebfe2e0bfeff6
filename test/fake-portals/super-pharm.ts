import { createHash, randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FileType } from "../../shared/contracts/file-identity.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, type HttpPortal, notFound, queryOf, startHttpPortal } from "./http-server.ts";
import { escapeHtml, listedName, slashedDay } from "./names.ts";
import { israelText } from "./times.ts";

export interface SuperPharmOptions {
  chain?: PortalChain;
  /** Seconds that the second link lives; default 600. */
  linkLifeSeconds?: number;
  /** Default 20. */
  pageSize?: number;
  /** Step 2 works without the cookie of step 1. */
  withoutCookies?: boolean;
  /** `status` of the answer of step 1; default 0. Anything else comes without a link. */
  status?: number;
  /** The portal's clock, in milliseconds. */
  now?: () => number;
}

export interface FakeSuperPharm extends FakePortal {
  /** Every second link given out so far answers `Link Expired` from now on. */
  expireLinks(): void;
  /** No cookie given out so far is known any more: the next answer sets another. */
  forgetSessions(): void;
}

export const SUPER_PHARM: PortalChain = {
  key: "super-pharm",
  nameEn: "Super-Pharm",
  nameHe: "סופר פארם",
  chainIds: ["7290172900007"],
};

/** The category of delta promotions is gone: they stand among the full ones. */
const CATEGORY: Record<FileType, string> = {
  stores: "Stores",
  price: "Price",
  "price-full": "PriceFull",
  promo: "PromoFull",
  "promo-full": "PromoFull",
};

const COOKIE = "ASP.NET_SessionId";

interface GivenLink {
  name: string;
  session: string;
  expiresAt: number;
}

/** Paged HTML table; a file takes two steps with the same cookies, and the second link lives ten minutes. */
export async function startSuperPharm(
  files: readonly PortalFile[],
  options: SuperPharmOptions = {},
): Promise<FakeSuperPharm> {
  const { chain = SUPER_PHARM, now = Date.now, linkLifeSeconds = 600, pageSize = 20, status = 0 } = options;
  const given = new Map<string, GivenLink>();
  const sessions = new Set<string>();

  function sessionOf(request: FastifyRequest, reply: FastifyReply): string {
    const known = cookieOf(request);
    if (known !== null && sessions.has(known)) return known;
    const session = randomBytes(12).toString("hex");
    sessions.add(session);
    reply.header("set-cookie", `${COOKIE}=${session}; path=/; HttpOnly`);
    return session;
  }

  function giveLink(portal: HttpPortal, request: FastifyRequest, reply: FastifyReply): FastifyReply | object {
    const { id } = request.params as { id: string };
    const file = portal.files().find((candidate) => idOf(candidate) === id);
    if (!file) return notFound(reply);
    const session = sessionOf(request, reply);
    if (status !== 0) return { status, href: "" };
    const expires = Math.floor(now() / 1000) + linkLifeSeconds;
    const key = randomBytes(16).toString("hex");
    given.set(key, { name: file.name, session, expiresAt: expires * 1000 });
    return { status: 0, href: `/home/get/${id}/${key}/${expires}` };
  }

  function sendFile(portal: HttpPortal, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { key } = request.params as { key: string };
    const link = given.get(key);
    if (!link || link.expiresAt <= now()) return reply.type("text/html").send("Link Expired");
    const isSession = cookieOf(request) === link.session && sessions.has(link.session);
    if (!options.withoutCookies && !isSession) return reply.code(403).send("Forbidden");
    const file = portal.files().find((candidate) => candidate.name === link.name);
    return file ? portal.sendFile(reply, file, "application/x-gzip") : notFound(reply);
  }

  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/", async (request, reply) => {
      sessionOf(request, reply);
      return reply.type("text/html; charset=utf-8").send(listPage(self, request, pageSize));
    });
    app.get("/home/getlink/:id/", async (request, reply) => giveLink(self, request, reply));
    app.get("/home/getlink/:id", async (request, reply) => giveLink(self, request, reply));
    app.get("/home/get/:id/:key/:expires", async (request, reply) => sendFile(self, request, reply));
  });
  return Object.assign(asFakePortal(portal, "super-pharm", chain), {
    expireLinks: () => given.clear(),
    forgetSessions: () => sessions.clear(),
  });
}

function listPage(portal: HttpPortal, request: FastifyRequest, pageSize: number): string {
  const query = queryOf(request);
  const [day, category] = [query("Date-equals"), query("Category-equals")];
  const all = portal.files().filter((file) => {
    const name = listedName(file);
    const { fileType } = name;
    const ofDay = day === "" || slashedDay(name.day) === day;
    return ofDay && (category === "" || (fileType !== null && CATEGORY[fileType] === category));
  });
  const page = Math.max(1, Number(query("page") || "1"));
  const rows = all
    .slice((page - 1) * pageSize, page * pageSize)
    .map((file, index) => rowOf(file, (page - 1) * pageSize + index + 1));
  const empty = '<tr class="mvc-grid-empty-row"><td colspan="6">לא נמצאו רשומות</td></tr>';
  return `<!DOCTYPE html><html><body><div class="mvc-grid"><table><thead><tr><th>#</th><th>שם</th><th>תאריך</th><th>קטגוריה</th><th>סניף</th><th></th></tr></thead><tbody>
${rows.join("\n") || empty}
</tbody></table>${pager(Math.ceil(all.length / pageSize), page)}</div></body></html>`;
}

function rowOf(file: PortalFile, number: number): string {
  const { fileType, storeId } = listedName(file);
  return `<tr><td>${number}</td><td>${escapeHtml(file.name)}</td><td>${israelText(file.publishedAt, "dd/MM/yyyy HH:mm")}</td><td>${fileType ? CATEGORY[fileType] : ""}</td><td>סניף ${storeId ?? ""}</td><td><a href="/home/getlink/${idOf(file)}/">הורדה</a></td></tr>`;
}

function pager(last: number, page: number): string {
  if (last <= 1) return "";
  const numbers = [page - 1, page, page + 1, page + 2].filter((number) => number >= 1 && number <= last);
  const buttons = numbers.map((number) => `<button data-page="${number}">${number}</button>`);
  return `<div class="mvc-grid-pager">${buttons.join("")}<button data-page="${last}">&raquo;</button></div>`;
}

function idOf(file: PortalFile): string {
  return createHash("md5").update(file.name).digest("hex");
}

function cookieOf(request: FastifyRequest): string | null {
  const cookies = (request.headers.cookie ?? "").split(/;\s*/);
  return cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? null;
}
