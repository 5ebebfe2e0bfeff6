import { once } from "node:events";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { openFile, type PortalFile } from "../fixtures/portal-file.ts";
import { gather, type parallelGauge, type PortalFault } from "./fake-portal.ts";
import type { FtpCommand, FtpCommandCall, FtpCommandRegistry, FtpEntry, FtpSession } from "./ftp-types.ts";

/** What one fake portal decides about the commands of its sessions. */
export interface FtpBehaviour {
  /** MLSD works; is announced but answered with 500; is neither announced nor known. */
  mlsd: "yes" | "refused" | "unlisted";
  /** PROT P is refused: data flows in clear, as to the clients that are known to work. */
  clearData: boolean;
  /** Address to name in PASV; then EPSV is refused, so that clients must use it. Null: the real one. */
  passiveAddress: string | null;
  /** The file to send under this path; null when it is not there. */
  find(session: FtpSession, path: string): PortalFile | null;
  fault(name: string): PortalFault | null;
  /** Counts the transfers under way. */
  gauge: ReturnType<typeof parallelGauge>;
  served(name: string): void;
}

const behaviours = new WeakMap<object, FtpBehaviour>();

/**
 * Gives an ftp-srv server the behaviour of the portal. ftp-srv keeps one table of commands for the whole process, so its entries are
 * replaced once and then look up the behaviour by server; servers that are not ours keep the original commands.
 */
export function setFtpBehaviour(server: object, behaviour: FtpBehaviour): void {
  behaviours.set(server, behaviour);
  const registry = createRequire(import.meta.url)("ftp-srv/src/commands/registry") as FtpCommandRegistry;
  if (registry["MLSD"]) return;
  registry["MLSD"] = { directive: "MLSD", handler: only(machineListing) };
  replace(registry, "PASS", allowEmptyPassword);
  replace(registry, "FEAT", features);
  replace(registry, "PROT", protection);
  replace(registry, "RETR", retrieve);
  replace(registry, "LIST", plainListing);
  replace(registry, "NLST", plainListing);
  replace(registry, "EPSV", extendedPassive);
  replace(registry, "PASV", namedPassive);
}

type Handler = (session: FtpSession, call: FtpCommandCall, behaviour: FtpBehaviour, original: FtpCommand) => unknown;

function only(handler: Handler): FtpCommand["handler"] {
  return function (call) {
    const behaviour = behaviours.get(this.server);
    return behaviour ? handler(this, call, behaviour, NOT_THERE) : this.reply(502, "Command not allowed");
  };
}

const NOT_THERE: FtpCommand = { directive: "", handler: () => undefined };

function replace(registry: FtpCommandRegistry, directive: string, handler: Handler): void {
  const original = registry[directive];
  if (!original) throw new Error(`ftp-srv no longer has the command ${directive}`);
  registry[directive] = {
    ...original,
    handler(call) {
      const behaviour = behaviours.get(this.server);
      return behaviour ? handler(this, call, behaviour, original) : original.handler.call(this, call);
    },
  };
}

/** Most accounts of the real portal have no password, which ftp-srv does not allow. */
async function allowEmptyPassword(session: FtpSession, { command }: FtpCommandCall): Promise<unknown> {
  if (!session.username) return session.reply(503);
  if (session.authenticated) return session.reply(202);
  try {
    await session.login(session.username, command.arg ?? "");
  } catch (error) {
    return session.reply(530, error instanceof Error ? error.message : "Login incorrect");
  }
  return session.reply(230, "Logged on");
}

function features(session: FtpSession, _call: FtpCommandCall, { mlsd }: FtpBehaviour): unknown {
  const names = ["AUTH TLS", "EPSV", "MDTM", "PBSZ", "PROT", "SIZE", "UTF8"];
  if (mlsd !== "unlisted") names.push("MLST type*;size*;modify*;", "MLSD");
  return session.reply(211, "Features:", ...names.sort().map((name) => ({ message: ` ${name}`, raw: true })), "End");
}

/** ftp-srv asks the session whether it is secure when it opens a data connection, and nowhere else after the login. */
function protection(session: FtpSession, call: FtpCommandCall, { clearData }: FtpBehaviour, original: FtpCommand) {
  if (!clearData) return original.handler.call(session, call);
  session.secure = false;
  return session.reply(504, "Data in clear only");
}

function extendedPassive(session: FtpSession, call: FtpCommandCall, behaviour: FtpBehaviour, original: FtpCommand) {
  return behaviour.passiveAddress === null ? original.handler.call(session, call) : session.reply(502, "Use PASV");
}

function namedPassive(session: FtpSession, call: FtpCommandCall, behaviour: FtpBehaviour, original: FtpCommand) {
  if (behaviour.passiveAddress === null) return original.handler.call(session, call);
  // Nothing listens there: a client that connects has already done wrong.
  return session.reply(227, `Entering Passive Mode (${behaviour.passiveAddress.replaceAll(".", ",")},200,10)`);
}

async function machineListing(session: FtpSession, call: FtpCommandCall, behaviour: FtpBehaviour): Promise<unknown> {
  if (behaviour.mlsd === "yes") return listing(session, call, behaviour, ({ facts, name }) => `${facts} ${name}`);
  await endTransfer(session);
  return session.reply(500, "MLSD not understood");
}

/** LIST and NLST: ftp-srv's own ones answer before their data connection is gone, which loses the next one. */
function plainListing(session: FtpSession, call: FtpCommandCall, behaviour: FtpBehaviour): Promise<unknown> {
  return listing(session, call, behaviour, call.command.directive === "NLST" ? ({ name }) => name : unixLine);
}

async function listing(
  session: FtpSession,
  { command }: FtpCommandCall,
  behaviour: FtpBehaviour,
  lineOf: (entry: FtpEntry) => string,
): Promise<unknown> {
  let entries: FtpEntry[];
  try {
    entries = await session.fs.list(command.arg ?? ".");
  } catch {
    await endTransfer(session);
    return session.reply(550, "Directory not found");
  }
  return sendLines(session, behaviour, command.directive, entries.map(lineOf));
}

async function sendLines(
  session: FtpSession,
  behaviour: FtpBehaviour,
  directive: string,
  lines: readonly string[],
): Promise<unknown> {
  const fault = behaviour.fault(directive);
  const text = lines.map((line) => `${line}\r\n`).join("");
  const sent = fault?.kind === "rewrite" ? fault.change(text) : text;
  return transfer(session, behaviour, [Buffer.from(sent)], fault, null);
}

async function retrieve(session: FtpSession, { command }: FtpCommandCall, behaviour: FtpBehaviour): Promise<unknown> {
  const name = command.arg ?? "";
  const file = behaviour.find(session, name);
  if (!file) {
    await endTransfer(session);
    return session.reply(550, "File not found");
  }
  return transfer(session, behaviour, openFile(file), behaviour.fault(name), file.name);
}

/** Sends over the data connection and answers; `name` counts as served when all of it went out. */
async function transfer(
  session: FtpSession,
  behaviour: FtpBehaviour,
  source: Iterable<Buffer> | AsyncIterable<Buffer>,
  fault: PortalFault | null,
  name: string | null,
): Promise<unknown> {
  if (fault?.kind === "status") {
    await endTransfer(session);
    return session.reply(fault.status, fault.body ?? "Service not available");
  }
  const leave = behaviour.gauge.enter();
  if (fault?.kind === "hang") return session.commandSocket.once("close", leave);
  try {
    if (fault?.kind === "gather") await gather(behaviour.gauge, fault);
    const socket = await dataSocket(session);
    // Without reading, the end that the client sends would never be seen.
    socket.resume();
    await session.reply(150, "Connected");
    if (fault?.kind === "drop") return drop(session, socket);
    await send(socket, source, fault, () => drop(session, socket));
    await endTransfer(session);
    if (name !== null) behaviour.served(name);
    return await session.reply(226, "Operation successful");
  } catch {
    await endTransfer(session);
    return session.reply(426, "Connection closed; transfer aborted");
  } finally {
    leave();
  }
}

function dataSocket(session: FtpSession): PromiseLike<Socket> {
  return session.connector.waitForConnection({ timeout: 5000, delay: 2 });
}

/** Gone before the answer: ftp-srv forgets whatever data connection it has when an older one closes late. */
async function endTransfer(session: FtpSession): Promise<void> {
  const { connector } = session;
  const { dataServer } = connector;
  if (!dataServer) return connector.end();
  const socket = await dataSocket(session).then(
    (connected) => connected,
    () => null,
  );
  const closed = once(dataServer, "close");
  if (socket && !socket.destroyed && socket.writableFinished) {
    // The client closes its side once it has everything; a client that does not is cut off.
    await Promise.race([once(socket, "close"), sleep(500, undefined, { ref: false })]);
  }
  socket?.destroy();
  connector.end();
  if (dataServer.listening || socket) await closed;
}

function drop(session: FtpSession, socket: Socket): void {
  socket.destroy();
  session.commandSocket.destroy();
}

/** Writes with backpressure and ends the connection; `cut` is called in place of the end when a fault breaks the transfer. */
async function send(
  socket: Socket,
  source: Iterable<Buffer> | AsyncIterable<Buffer>,
  fault: PortalFault | null,
  cut: () => void,
): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => gone.abort(new Error("client left")));
  let left = fault?.kind === "truncate" ? fault.afterBytes : fault?.kind === "short" ? fault.bytes : Infinity;
  for await (const chunk of source) {
    for (const piece of fault?.kind === "slow" ? pieces(chunk, fault.chunkBytes) : [chunk]) {
      if (fault?.kind === "slow") await sleep(fault.msPerChunk, undefined, { signal: gone.signal });
      const part = piece.subarray(0, Math.min(left, piece.length));
      left -= part.length;
      if (!socket.write(part)) await once(socket, "drain", { signal: gone.signal });
      if (left <= 0 && fault?.kind === "truncate") {
        await new Promise((flushed) => socket.write("", flushed));
        cut();
        throw new Error("cut on purpose");
      }
    }
  }
  await new Promise<void>((resolve) => socket.end(resolve));
}

function* pieces(chunk: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < chunk.length; start += size) yield chunk.subarray(start, start + size);
}

function unixLine(entry: FtpEntry): string {
  const size = String(entry.size).padStart(12);
  const time = `${entry.mtime.toUTCString().slice(8, 11)} ${entry.mtime.toUTCString().slice(5, 7)}  ${entry.mtime.getUTCFullYear()}`;
  return `${entry.isDirectory() ? "drwxr-xr-x" : "-rw-r--r--"} 1 ftp ftp ${size} ${time} ${entry.name}`;
}
