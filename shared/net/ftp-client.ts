import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { Writable } from "node:stream";
import { connect as connectTls } from "node:tls";
import { Client, type FileInfo, type FTPContext, FTPError, type FTPResponse } from "basic-ftp";
import type { RemoteFile } from "../contracts/portal-family.ts";
import { errorMessage } from "../errors.ts";
import { readFtpListing } from "./ftp-listing.ts";
import { type HostPolicy, portOf } from "./host-policy.ts";
import {
  asNetError,
  BodyTooLargeError,
  HostBusyError,
  HostTimeoutError,
  HostUnreachableError,
  PortalStatusError,
} from "./net-errors.ts";
import type { NetSettings } from "./net-settings.ts";
import { watchPace, withDeadline } from "./pace.ts";

export interface FtpAccount {
  username: string;
  password: string;
  rejectUnauthorized: boolean;
}

export type ListCommand = "MLSD" | "LIST";

/** One logged-in control connection. */
export interface FtpConnection {
  /**
   * Files (no directories) of a directory. `modifiedAt` only from MLSD: the text of a plain LIST changes with age.
   * A server that refuses MLSD wants a new connection for LIST: some take the end of the unused data connection for the next one's.
   */
  list(path: string, command: ListCommand): Promise<RemoteFile[]>;
  /** Streams a file into `sink` and ends it. */
  download(path: string, sink: Writable): Promise<void>;
  /** Null when the server does not say. */
  size(path: string): Promise<number | null>;
  readonly closed: boolean;
  close(): void;
}

type FtpTimes = Pick<
  NetSettings,
  "idleTimeoutMs" | "leastBytes" | "connectTimeoutMs" | "responseTimeoutMs" | "listingMaxBytes"
>;

/**
 * Connects with explicit TLS (AUTH TLS) to an address that the policy allows, and logs in. The data channel is protected when the
 * server agrees to PROT P and plain when it refuses, as the portal's own clients do. No fall-back to a plain login.
 * `signal` closes the connection whatever it is doing.
 * @throws {HostNotAllowedError | HostUnreachableError | HostTimeoutError | PortalStatusError}
 */
export async function openFtp(
  url: URL,
  account: FtpAccount,
  policy: HostPolicy,
  times: FtpTimes,
  signal: AbortSignal,
): Promise<FtpConnection> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const client = new Client(times.idleTimeoutMs, {
    // Passive addresses are judged by the policy, in `openDataChannel`.
    allowSeparateTransferHost: true,
    maxListingBytes: times.listingMaxBytes,
  });
  client.parseList = (raw) => readFtpListing(url.host, raw);
  const guarded: Guard = (work) => withSignal(client, url.host, signal, () => atPace(client, url.host, times, work));
  const loginMs = times.connectTimeoutMs + times.responseTimeoutMs;
  return withDeadline(url.host, "FTP did not let us log in", loginMs, signal, (inTime) =>
    withSignal(client, url.host, inTime, logIn),
  );

  async function logIn(): Promise<FtpConnection> {
    await connectToAny(client, await policy.resolve(host), portOf(url));
    const servername = isIP(host) === 0 ? { servername: host } : {};
    await client.useTLS({ host, ...servername, rejectUnauthorized: account.rejectUnauthorized });
    await client.login(account.username, account.password);
    await client.send("TYPE I");
    await client.sendIgnoringError("PBSZ 0");
    const protectedData = await accepts(client, "PROT P");
    client.prepareTransfer = (ftp) => openDataChannel(ftp, policy, protectedData, times.connectTimeoutMs);
    return connectionOf(client, guarded);
  }
}

/** Runs one operation on a connection, under its pace and its signal, and names what goes wrong. */
type Guard = <T>(work: () => Promise<T>) => Promise<T>;

function connectionOf(client: Client, guarded: Guard): FtpConnection {
  return {
    list: (path, command) =>
      guarded(async () => {
        client.availableListCommands = command === "MLSD" ? ["MLSD"] : ["LIST -a", "LIST"];
        // Into the folder, then a listing without an argument: what the known clients of the portal do.
        await client.cd(path);
        return remoteFiles(await client.list(), command);
      }),
    download: (path, sink) => guarded(async () => void (await client.downloadTo(sink, path))),
    size: (path) =>
      guarded(async () => {
        try {
          return await client.size(path);
        } catch (error) {
          if (error instanceof FTPError) return null;
          throw error;
        }
      }),
    get closed() {
      return client.closed;
    },
    close: () => client.close(),
  };
}

/** Files among listed entries. */
export function remoteFiles(entries: readonly FileInfo[], command: ListCommand): RemoteFile[] {
  return entries
    .filter((entry) => entry.isFile)
    .map(({ name, size, modifiedAt }) => ({
      name,
      size,
      modifiedAt: command === "MLSD" && modifiedAt ? modifiedAt.toISOString() : null,
    }));
}

/** True when the server does not know the command, rather than the directory or the account. */
export function isUnknownCommand(error: unknown): boolean {
  return error instanceof PortalStatusError && [500, 501, 502, 504].includes(error.status);
}

/** Runs one operation; closes the client on abort; turns what basic-ftp throws into our classes. */
async function withSignal<T>(client: Client, host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const abort = () => client.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FTPError)) client.close();
    signal.throwIfAborted();
    throw ftpError(host, error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Closes the connection when the host falls silent, or drips: the library's own time-outs start anew with every byte. */
async function atPace<T>(client: Client, host: string, times: FtpTimes, work: () => Promise<T>): Promise<T> {
  const paced = {
    received: () => (client.ftp.socket.bytesRead ?? 0) + (client.ftp.dataSocket?.bytesRead ?? 0),
    waitsForReader: () => client.ftp.dataSocket?.isPaused() === true,
  };
  let slow: HostTimeoutError | undefined;
  const watch = watchPace(host, paced, times, (error) => {
    slow = error;
    client.close();
  });
  try {
    return await work();
  } catch (error) {
    throw slow ?? error;
  } finally {
    watch.stop();
  }
}

/** Addresses in the order of the resolver; the last failure counts. */
async function connectToAny(client: Client, addresses: { address: string }[], port: number): Promise<void> {
  let failure: unknown;
  for (const { address } of addresses) {
    try {
      await client.connect(address, port);
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function accepts(client: Client, command: string): Promise<boolean> {
  try {
    await client.send(command);
    return true;
  } catch (error) {
    if (error instanceof FTPError) return false;
    throw error;
  }
}

/**
 * Passive mode with every address checked: EPSV (the address of the control connection) first, PASV where the server has none.
 * The library connects to whatever PASV names, so this replaces its strategies.
 */
async function openDataChannel(
  ftp: FTPContext,
  policy: HostPolicy,
  protectedData: boolean,
  timeoutMs: number,
): Promise<FTPResponse> {
  const control = ftp.socket.remoteAddress ?? "";
  const { response, address, port } = await passiveTarget(ftp, control);
  await policy.assertPassiveAddress(address, control);
  if (port < 1 || port > 65_535)
    throw new Error(`the answer to ${response.code === 229 ? "EPSV" : "PASV"} names port ${port}`);
  const socket = await connectData(address, port, timeoutMs);
  if (!protectedData) {
    ftp.dataSocket = socket;
    return response;
  }
  // Servers want the data connection to resume the session of the control connection: proof that both are one client.
  const session = ftp.tlsSessionStore ?? ("getSession" in ftp.socket ? ftp.socket.getSession() : undefined);
  const secured = connectTls({ ...ftp.tlsOptions, socket, ...(session === undefined ? {} : { session }) });
  secured.on("session", (fresh) => (ftp.tlsSessionStore = fresh));
  ftp.dataSocket = secured;
  return response;
}

async function passiveTarget(ftp: FTPContext, control: string) {
  try {
    const response = await ftp.request("EPSV");
    const port = /\(?([|!])\1\1(\d{1,5})\1/.exec(response.message)?.[2];
    if (port !== undefined) return { response, address: control, port: Number(port) };
  } catch (error) {
    if (!(error instanceof FTPError)) throw error;
  }
  const response = await ftp.request("PASV");
  const numbers = /(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})/.exec(response.message);
  if (!numbers) throw new Error(`the answer to PASV names no address (reply ${response.code})`);
  const [a, b, c, d, high, low] = numbers.slice(1).map(Number);
  return { response, address: [a, b, c, d].join("."), port: (high ?? 0) * 256 + (low ?? 0) };
}

function connectData(address: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`Timeout (data connection)`)));
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

function ftpError(host: string, error: unknown): Error {
  const text = errorMessage(error);
  // basic-ftp's own limit on listings, which it knows no class for.
  const limit = /^StringWriter: Maximum bytes exceeded, maxByteLength=(\d+)/.exec(text)?.[1];
  if (limit) return new BodyTooLargeError(`host ${host}: a listing is larger than ${limit} bytes`);
  if (text.startsWith("FTP control response exceeded"))
    return new HostUnreachableError(host, "the FTP server answers without end");
  if (error instanceof FTPError) {
    // 421 and 10-minute bans: the server has too many of us.
    if (error.code === 421) return new HostBusyError(`host ${host}: FTP server is busy (reply 421)`, { cause: error });
    // 530 also means too many connections of one account: tried again, but many chains share a host and one account must not close
    // it for them all. 4xx is trouble that passes, 450 and 550 are about one file.
    const what =
      error.code === 530
        ? "FTP login was refused"
        : error.code === 550
          ? "FTP server has no such file"
          : "FTP command failed";
    const hostFailure = error.code < 500 && error.code !== 450;
    const passing = hostFailure || error.code === 530;
    return new PortalStatusError(host, error.code, what, { hostFailure, passing, cause: error });
  }
  const phase = /^Timeout(?: \((.+)\))?/.exec(text);
  if (phase) return new HostTimeoutError(host, `FTP timed out (${phase[1] ?? "data connection"})`);
  return asNetError(host, error);
}
