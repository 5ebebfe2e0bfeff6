import { type FileType, parseFileName } from "../../shared/contracts/file-identity.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { israelText } from "./times.ts";

/** What a portal reads from the name of a file to filter its listing. Null parts for a name outside the grammar. */
export interface ListedName {
  fileType: FileType | null;
  chainId: string | null;
  storeId: string | null;
  /** Israel day, `yyyy-mm-dd`. */
  day: string;
}

/** Names are read once per file: a listing of hundreds of pages filters thousands of files for each of them. */
const known = new WeakMap<PortalFile, ListedName>();

export function listedName(file: PortalFile): ListedName {
  const name = known.get(file) ?? readName(file);
  known.set(file, name);
  return name;
}

function readName(file: PortalFile): ListedName {
  const day = israelText(file.publishedAt, "yyyy-MM-dd");
  try {
    const parts = parseFileName(file.name);
    return { fileType: parts.fileType, chainId: parts.chainId, storeId: parts.storeId, day };
  } catch {
    return { fileType: null, chainId: null, storeId: null, day };
  }
}

/** `dd/mm/yyyy`, as most portals write a day. */
export function slashedDay(day: string): string {
  return day.split("-").reverse().join("/");
}

export function sameStore(left: string | null, right: string): boolean {
  return left !== null && Number(left) === Number(right);
}

/** The name without `.gz`, `.xml.gz` or `.xml`. */
export function stemOf(name: string): string {
  return name.replace(/(?:\.(?:gz|xml))+$/i, "");
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
