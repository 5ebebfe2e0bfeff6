import type { AddressInfo, Server } from "node:net";
import { type FileSystem, type FtpConnection, FtpSrv } from "ftp-srv";
import { LOOPBACK, type LoggedRequest, type parallelGauge } from "./fake-portal.ts";
import { type FtpBehaviour, setFtpBehaviour } from "./ftp-commands.ts";
import type { FtpSession } from "./ftp-types.ts";

export interface FtpServerSettings {
  /** 0: chosen by the system. */
  port: number;
  key: string;
  cert: string;
  behaviour: FtpBehaviour;
  /** Throws for a wrong account. */
  login(connection: FtpConnection, username: string, password: string): FileSystem;
  requests: LoggedRequest[];
  connections: ReturnType<typeof parallelGauge>;
}

/** What the portal understands; there is no upload and no resume. */
const COMMANDS = [
  ..."AUTH PBSZ PROT USER PASS FEAT OPTS SYST TYPE MODE STRU NOOP QUIT HELP".split(" "),
  ..."PWD CWD CDUP PASV EPSV MLSD LIST NLST SIZE MDTM RETR ABOR".split(" "),
];

/** Starts ftp-srv on loopback with explicit TLS. */
export async function startFtpServer(settings: FtpServerSettings): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(settings);
  const internals = server as unknown as { server: Server; getNextPasvPort: () => Promise<number> };
  // A port from the system: counting up from a first one collides between processes.
  internals.getNextPasvPort = async () => 0;
  setFtpBehaviour(server, settings.behaviour);
  server.on("login", ({ connection, username, password }, resolve, reject) => {
    try {
      resolve({ fs: settings.login(connection, username, password) });
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
  const open = watchConnections(server, settings);
  await server.listen();
  return {
    port: (internals.server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        internals.server.close(() => resolve());
        for (const session of open) {
          session.connector.end();
          session.commandSocket.destroy();
        }
      }),
  };
}

function createServer({ port, key, cert }: FtpServerSettings): FtpSrv {
  const signals = ["SIGTERM", "SIGINT", "SIGQUIT"] as const;
  const before = signals.map((signal) => process.listeners(signal));
  const server = new FtpSrv({
    url: `ftp://${LOOPBACK}:${port}`,
    pasv_url: LOOPBACK,
    tls: { key, cert },
    whitelist: COMMANDS,
    log: silentLog(),
  });
  // ftp-srv ends the whole process on these signals; that is for the program to decide.
  for (const [index, signal] of signals.entries()) {
    const added = process.listeners(signal).filter((listener) => !before[index]?.includes(listener));
    for (const listener of added) process.removeListener(signal, listener);
  }
  return server;
}

/** Logs every command of every connection, and keeps the open ones. */
function watchConnections(server: FtpSrv, { requests, connections }: FtpServerSettings): Set<FtpSession> {
  const open = new Set<FtpSession>();
  server.on("connect" as "disconnect", ({ connection }) => {
    const session = connection as unknown as FtpSession;
    open.add(session);
    // A connection counts from its first command: by then the server has seen the end of those that were closed to make room for it.
    let leave = (): void => undefined;
    session.commandSocket.once("close", () => {
      open.delete(session);
      leave();
    });
    logCommands(session, requests, () => {
      leave = connections.enter();
    });
  });
  return open;
}

function logCommands(session: FtpSession, requests: LoggedRequest[], onFirst: () => void): void {
  const handle = session.commands.handle.bind(session.commands);
  const reply = session.reply.bind(session);
  let entry: LoggedRequest | null = null;
  session.commands.handle = (line) => {
    if (entry === null) onFirst();
    const [directive = "", ...words] = line.split(" ");
    const method = directive.toUpperCase();
    const path = method === "PASS" ? "***" : words.join(" ");
    entry = { at: Date.now(), method, path, host: session.username ?? "", status: null };
    requests.push(entry);
    return handle(line);
  };
  session.reply = (code, ...lines) => {
    if (entry && typeof code === "number") entry.status = code;
    return reply(code, ...lines);
  };
}

function silentLog(): Record<string, unknown> {
  const nothing = () => undefined;
  const log: Record<string, unknown> = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
  log["child"] = () => log;
  return log;
}
