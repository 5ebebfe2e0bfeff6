import type { Chain } from "../../shared/contracts/chain.ts";
import type { ListedFile, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { UsageError } from "../../shared/errors.ts";

/** Files handed on at once out of a directory of thousands. */
const PAGE = 1000;

/**
 * FTP with explicit TLS and one public account per chain. One flat directory holds all types and all days that are kept, so a
 * single listing is the whole truth; what is asked for is chosen by name.
 */
export const cerberus: PortalFamily = {
  name: "cerberus",
  needs: { schemes: ["ftp"], account: true },

  async *list({ chain, ftp, signal }) {
    const account = accountOf(chain);
    const entries = await ftp.list(account.path);
    signal.throwIfAborted();
    const files = entries
      .filter((entry) => /\.(?:gz|xml)$/i.test(entry.name))
      .map(
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
