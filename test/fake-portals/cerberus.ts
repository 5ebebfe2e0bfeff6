import { posix } from "node:path";
import type { FtpConnection } from "ftp-srv";
import { generate } from "selfsigned";
import type { PortalFile } from "../fixtures/portal-file.ts";
import {
  type FakePortal,
  faultList,
  LOOPBACK,
  type LoggedRequest,
  overrideFor,
  parallelGauge,
  type PortalChain,
} from "./fake-portal.ts";
import type { FtpBehaviour } from "./ftp-commands.ts";
import { AccountFiles } from "./ftp-files.ts";
import { startFtpServer } from "./ftp-server.ts";
import { israelText } from "./times.ts";

/** One public account: a chain and the directory it sees. Files name it by the chain's key. */
export interface CerberusAccount {
  chain: PortalChain;
  username: string;
  /** Mostly empty at the real portal. */
  password?: string;
  /** Default `/`. */
  path?: string;
}

export interface CerberusOptions {
  accounts?: readonly CerberusAccount[];
  /** MLSD works (default); is announced but refused with 500; is neither announced nor known. */
  mlsd?: FtpBehaviour["mlsd"];
  /** PROT P is refused: data flows in clear. */
  clearData?: boolean;
  /** Every login is answered with 530. */
  refusesLogin?: boolean;
  /** Names that are listed, and gone when they are fetched. */
  vanished?: readonly string[];
  /** All names in one case, in listing and download. */
  nameCase?: "lower" | "upper";
  /** The address that PASV names; EPSV is then refused. */
  passiveAddress?: string;
  /** Entries with the time of their last change: some (default), all or none. */
  modifyFacts?: "some" | "all" | "none";
}

export const RAMI_LEVY_ACCOUNT: CerberusAccount = {
  chain: { key: "rami-levy", nameEn: "Rami Levy", nameHe: "רמי לוי", chainIds: ["7290058140886"] },
  username: "RamiLevi",
};

/**
 * FTP with explicit TLS (self-signed) on loopback. One flat directory per account with all types and days. Without `accounts` there is
 * one, of Rami Levy; files without `account` belong to the first.
 */
export async function startCerberus(files: readonly PortalFile[], options: CerberusOptions = {}): Promise<FakePortal> {
  const { accounts = [RAMI_LEVY_ACCOUNT] } = options;
  const requests: LoggedRequest[] = [];
  const servedNames: string[] = [];
  const faults = faultList();
  const gauge = parallelGauge();
  const connections = parallelGauge();
  let published = [...files];

  const filesOf = (username: string | undefined) => {
    const account = accounts.find((candidate) => candidate.username === username);
    const isFirst = account === accounts[0];
    return published.filter((file) => (file.account === undefined ? isFirst : file.account === account?.chain.key));
  };
  const shownName = (file: PortalFile) => {
    if (options.nameCase === "lower") return file.name.toLowerCase();
    return options.nameCase === "upper" ? file.name.toUpperCase() : file.name;
  };
  const find = (username: string | undefined, path: string) => {
    const { path: directory = "/" } = accounts.find((account) => account.username === username) ?? {};
    if (posix.dirname(path) !== directory) return null;
    return filesOf(username).find((file) => shownName(file) === posix.basename(path)) ?? null;
  };
  const modified = (file: PortalFile, index: number) => {
    const shown = options.modifyFacts === "all" || (options.modifyFacts !== "none" && index % 2 === 1);
    return shown ? israelText(file.publishedAt, "yyyyMMddHHmmss") : null;
  };

  const behaviour: FtpBehaviour = {
    mlsd: options.mlsd ?? "yes",
    clearData: options.clearData ?? false,
    passiveAddress: options.passiveAddress ?? null,
    find: ({ username, fs }, path) => {
      const gone = options.vanished?.includes(posix.basename(path));
      return gone ? null : find(username, posix.resolve(fs.currentDirectory(), path));
    },
    fault: faults.take,
    gauge,
    served: (name) => servedNames.push(name),
  };

  const login = (connection: FtpConnection, username: string, password: string) => {
    const account = accounts.find((candidate) => candidate.username === username);
    if (options.refusesLogin || !account || (account.password ?? "") !== password) throw new Error("Login incorrect");
    return new AccountFiles(connection, {
      directory: account.path ?? "/",
      files: () =>
        filesOf(username).map((file, index) => ({ file, name: shownName(file), modified: modified(file, index) })),
    });
  };

  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  const start = (port: number) => startFtpServer({ port, key, cert, behaviour, login, requests, connections });
  let running = await start(0);
  const { port } = running;

  return {
    family: "cerberus",
    url: `ftp://${LOOPBACK}:${port}/`,
    requests,
    chainOverrides: () =>
      Object.fromEntries(
        accounts.map(({ chain, username, password = "", path = "/" }) => [
          chain.key,
          overrideFor(chain, "cerberus", `ftp://${LOOPBACK}:${port}/`, {
            ftp: { username, password, path, rejectUnauthorized: false },
          }),
        ]),
      ),
    served: () => servedNames,
    peakParallel: gauge.peak,
    underWay: gauge.now,
    openConnections: connections.now,
    peakConnections: connections.peak,
    setFiles: (next) => {
      published = [...next];
    },
    addFault: faults.add,
    clearFaults: faults.clear,
    goDown: () => running.close(),
    comeBack: async () => {
      running = await start(port);
    },
    close: () => running.close(),
  };
}
