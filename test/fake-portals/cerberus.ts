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
import { type FtpBehaviour, machineLine } from "./ftp-commands.ts";
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

export interface FakeCerberus extends FakePortal {
  /** Most control connections open at one time. */
  peakConnections(): number;
}

/**
 * FTP with explicit TLS (self-signed) on loopback. One flat directory per account with all types and days. Without `accounts` there is
 * one, of Rami Levy; files without `account` belong to the first.
 */
export async function startCerberus(
  files: readonly PortalFile[],
  options: CerberusOptions = {},
): Promise<FakeCerberus> {
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
    const name = path.replace(/^.*\//, "");
    return filesOf(username).find((file) => shownName(file) === name) ?? null;
  };
  const modified = (file: PortalFile, index: number) => {
    const shown = options.modifyFacts === "all" || (options.modifyFacts !== "none" && index % 2 === 1);
    return shown ? israelText(file.publishedAt, "yyyyMMddHHmmss") : null;
  };

  const behaviour: FtpBehaviour = {
    mlsd: options.mlsd ?? "yes",
    passiveAddress: options.passiveAddress ?? null,
    listing: ({ username }) => [
      ...filesOf(username).map((file, index) => machineLine(file, shownName(file), modified(file, index))),
      "type=dir; archive",
    ],
    find: ({ username }, name) => (options.vanished?.includes(name) ? null : find(username, name)),
    fault: faults.take,
    enter: gauge.enter,
    served: (name) => servedNames.push(name),
  };

  const login = (connection: FtpConnection, username: string, password: string) => {
    const account = accounts.find((candidate) => candidate.username === username);
    if (options.refusesLogin || !account || (account.password ?? "") !== password) throw new Error("Login incorrect");
    return new AccountFiles(connection, {
      directory: account.path ?? "/",
      files: () => filesOf(username).map((file) => ({ file, name: shownName(file) })),
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
