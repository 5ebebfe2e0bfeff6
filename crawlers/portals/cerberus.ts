import type { Chain } from "../../shared/contracts/chain.ts";
import type { ListedFile, PortalFamily, PortalFtp, RemoteFile } from "../../shared/contracts/portal-family.ts";
import { UsageError } from "../../shared/errors.ts";
import { PortalStatusError } from "../../shared/net/net-errors.ts";
import { layoutError } from "../listing/html.ts";

/** Files handed on at once out of a directory of thousands. */
const PAGE = 1000;

/** FTP's reply code for a path that is not there. */
const NO_SUCH_FOLDER = 550;

/**
 * FTP with explicit TLS and one public account per chain. One flat directory holds all types and all days that are kept, so a
 * single listing is the whole truth; what is asked for is chosen by name.
 */
export const cerberus: PortalFamily = {
  name: "cerberus",
  needs: { schemes: ["ftp"], account: true },

  async *list({ chain, ftp, signal }) {
    const account = accountOf(chain);
    const entries = await listFolder(ftp, chain, account.path);
    signal.throwIfAborted();
    const published = entries.filter((entry) => /\.(?:gz|xml)$/i.test(entry.name));
    if (entries.length > 0 && published.length === 0) {
      const names = entries.map(({ name }) => name).join(" ");
      throw layoutError("cerberus", "any name that ends in .gz or .xml", urlOf(chain, account.path, ""), names);
    }
    const files = published.map(
      (entry): ListedFile => ({
        fileName: entry.name,
        url: urlOf(chain, account.path, entry.name),
        sizeBytes: entry.size,
        listedAt: entry.modifiedAt,
      }),
    );
    for (let start = 0; start < files.length; start += PAGE) yield files.slice(start, start + PAGE);
  },

  async resolve({ chain }, file) {
    const account = accountOf(chain);
    return {
      url: urlOf(chain, account.path, file.fileName),
      ftp: {
        username: account.username,
        password: account.password,
        rejectUnauthorized: account.rejectUnauthorized,
      },
    };
  },
};

/** @throws {LayoutNotRecognisedError} when the account has no such folder: never to be taken for an empty one */
async function listFolder(ftp: PortalFtp, chain: Chain, path: string): Promise<RemoteFile[]> {
  try {
    return await ftp.list(path);
  } catch (error) {
    if (!(error instanceof PortalStatusError && error.status === NO_SUCH_FOLDER)) throw error;
    throw layoutError("cerberus", `the folder "${path}" of its account`, urlOf(chain, path, ""), error.message);
  }
}

function accountOf(chain: Chain): NonNullable<Chain["ftp"]> {
  if (chain.ftp) return chain.ftp;
  throw new UsageError(`chain "${chain.key}" is on an FTP portal but its registry entry names no account`, {
    hint: 'add "ftp": {"username", "password", "path", "rejectUnauthorized"} to the entry',
  });
}

function urlOf(chain: Chain, path: string, name: string): string {
  const folder = path.endsWith("/") ? path : `${path}/`;
  return new URL(folder + encodeURIComponent(name), chain.baseUrl).href;
}
