import type { FileType } from "../../shared/contracts/file-identity.ts";
import { type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import { escapeHtml } from "./names.ts";

/** Pager of the shop sites: list items, the last one leads to the last page. Nothing for a single page. */
export function numberedPager(last: number, linkTo: (page: number) => string): string {
  if (last <= 1) return "";
  const shown = [...new Set([1, 2, 3, last])].filter((page) => page <= last);
  const items = shown.map(
    (page) => `<li class="page pagination-item"><a href="${escapeHtml(linkTo(page))}">${page}</a></li>`,
  );
  return `<ul>${items.join("")}</ul>`;
}

/** `1,204.5`: kilobytes with thousands separators. */
export function kilobytes(file: PortalFile): string {
  const size = sizeOf(file);
  return size === null ? "" : (size / 1024).toLocaleString("en-US", { maximumFractionDigits: 1 });
}

/** The `t` of the shop sites: full and delta share a number. */
export const SHOP_TYPE: Record<FileType, string> = {
  price: "1",
  "price-full": "1",
  promo: "2",
  "promo-full": "2",
  stores: "3",
};
