import { posix } from "node:path";
import { FileSystem, type FtpConnection } from "ftp-srv";
import { openFile, type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import type { FtpEntry } from "./ftp-types.ts";

export interface AccountView {
  /** Absolute directory that holds the files. */
  directory: string;
  /** `modified` is the time of the last change as MLSD prints it; null for an entry without. */
  files(): { file: PortalFile; name: string; modified: string | null }[];
}

/** The read-only directory of one account, held in memory. Answers LIST, NLST with a glob, SIZE, MDTM and CWD. */
export class AccountFiles extends FileSystem {
  readonly #view: AccountView;
  #directory = "/";

  constructor(connection: FtpConnection, view: AccountView) {
    super(connection, { root: "/nowhere", cwd: "/" });
    this.#view = view;
  }

  override currentDirectory(): string {
    return this.#directory;
  }

  override async get(path: string): Promise<FtpEntry> {
    const full = this.#absolute(path);
    if (full === "/" || full === this.#view.directory || isGlob(path)) return directoryEntry(path);
    const found = this.#entries(posix.dirname(full)).find((entry) => entry.name === posix.basename(full));
    if (!found) throw new Error("File not found");
    return found;
  }

  override async list(path = "."): Promise<FtpEntry[]> {
    const full = this.#absolute(path);
    if (!isGlob(path)) {
      if (full !== "/" && full !== this.#view.directory) throw new Error("Directory not found");
      return this.#entries(full);
    }
    const pattern = globPattern(posix.basename(full));
    return this.#entries(posix.dirname(full)).filter((entry) => pattern.test(entry.name));
  }

  override async chdir(path = "."): Promise<string> {
    const full = this.#absolute(path);
    if (full !== "/" && full !== this.#view.directory) throw new Error("Directory not found");
    this.#directory = full;
    return full;
  }

  override async read(path: string): Promise<unknown> {
    const name = posix.basename(this.#absolute(path));
    const found = this.#view.files().find((entry) => entry.name === name);
    if (!found) throw new Error("File not found");
    return openFile(found.file);
  }

  #absolute(path: string): string {
    return posix.resolve(this.#directory, path);
  }

  #entries(directory: string): FtpEntry[] {
    const inside = directory === this.#view.directory;
    const files = inside ? this.#view.files().map(fileEntry) : [];
    const below = directory === "/" && !inside ? [directoryEntry(posix.basename(this.#view.directory))] : [];
    return [...files, ...below, directoryEntry("archive")];
  }
}

/** `type=file;size=187;modify=20260102001105;`: not every entry of the real listing has a `modify`. */
function fileEntry({ file, name, modified }: ReturnType<AccountView["files"]>[number]): FtpEntry {
  const size = sizeOf(file);
  const facts = `type=file;${size === null ? "" : `size=${size};`}${modified === null ? "" : `modify=${modified};`}`;
  return { name, size: size ?? 0, mtime: file.publishedAt, facts, isDirectory: () => false };
}

function directoryEntry(name: string): FtpEntry {
  return { name, size: 0, mtime: new Date(0), facts: "type=dir;", isDirectory: () => true };
}

function isGlob(path: string): boolean {
  return /[*?[]/.test(path);
}

/** `*`, `?` and character classes, in any case as at the real portal. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "i");
}
