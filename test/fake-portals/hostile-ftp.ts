import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import { LOOPBACK } from "./fake-portal.ts";

/** How a hostile FTP server differs from a good one. */
export interface HostileFtpOptions {
  /** Answers to EPSV and PASV; a missing one is the honest one. `null`: the command is refused. */
  epsv?: string | null;
  pasv?: string | null;
  /** What comes as the listing: one file name, one byte at a time with this pause, or lines without end. */
  listing?: { dripMs: number } | "endless";
  /** The greeting: one byte at a time with this pause, lines without end, or none at all. */
  greeting?: { dripMs: number } | "endless" | "silent";
}

export interface HostileFtp {
  /** `ftp://127.0.0.1:<port>/` */
  readonly url: string;
  /** Commands in the order of arrival, passwords left out. */
  readonly commands: readonly string[];
  /** Connections that were made to honest data ports. */
  dataConnections(): number;
  close(): Promise<void>;
}

const LINE = "type=file;size=48211;modify=20260102001105; PriceFull7290000000015-001-202601020010.gz\r\n";

/**
 * A small FTP server with explicit TLS, written by hand because no kept library breaks the protocol on demand. It speaks the few commands
 * that a listing needs, and every login is welcome.
 */
export async function startHostileFtp(options: HostileFtpOptions): Promise<HostileFtp> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  const commands: string[] = [];
  const open = new Set<Socket>();
  let dataConnections = 0;

  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => open.delete(socket));
  };

  const control = createServer((socket) => {
    keep(socket);
    greet(socket, options.greeting);
    converse(socket, false);
  });

  /** Answers commands on a control connection; AUTH TLS hands it over to its secured twin. */
  function converse(socket: Socket, secured: boolean): void {
    let data: ReturnType<typeof openDataPort> | undefined;
    let rest = "";
    const onData = (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString()}`.split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) void answer(line);
    };
    const reply = (text: string) => void socket.write(`${text}\r\n`);
    const passive = async (honest: (port: number) => string, told: string | null | undefined, refusal: string) => {
      if (told === null) return reply(refusal);
      if (told !== undefined) return reply(told);
      data = openDataPort();
      reply(honest(await data.port));
    };
    const answer = async (line: string) => {
      const command = line.split(" ")[0]?.toUpperCase() ?? "";
      commands.push(command === "PASS" ? "PASS ***" : line);
      if (command === "AUTH") {
        socket.removeListener("data", onData);
        reply("234 Go on");
        const twin = new TLSSocket(socket, { isServer: true, key, cert });
        keep(twin);
        converse(twin, true);
      } else if (command === "USER") reply("331 Password?");
      else if (command === "PASS") reply(secured ? "230 Welcome" : "530 In clear");
      else if (command === "PROT") reply("504 Data in clear only");
      else if (command === "EPSV")
        await passive((port) => `229 Entering Extended Passive Mode (|||${port}|)`, options.epsv, "502 Use PASV");
      else if (command === "PASV")
        await passive(
          (port) => `227 Entering Passive Mode (127,0,0,1,${port >> 8},${port & 255})`,
          options.pasv,
          "502 No",
        );
      else if (command === "MLSD" || command === "LIST") {
        if (!data) return reply("425 No data connection");
        reply("150 Here it comes");
        sendListing(await data.connected, options.listing, () => reply("226 Done"));
      } else reply("200 Fine");
    };
    socket.on("data", onData);
  }

  function openDataPort() {
    const { promise: connected, resolve } = Promise.withResolvers<Socket>();
    const server = createServer((socket) => {
      dataConnections++;
      keep(socket);
      server.close();
      resolve(socket);
    });
    const port = new Promise<number>((ready) => {
      server.listen(0, LOOPBACK, () => ready((server.address() as AddressInfo).port));
    });
    return { connected, port };
  }

  await new Promise<void>((ready) => control.listen(0, LOOPBACK, ready));
  return {
    url: `ftp://${LOOPBACK}:${(control.address() as AddressInfo).port}/`,
    commands,
    dataConnections: () => dataConnections,
    close: () =>
      new Promise((closed) => {
        control.close(() => closed());
        for (const socket of open) socket.destroy();
      }),
  };
}

function greet(socket: Socket, greeting: HostileFtpOptions["greeting"]): void {
  if (greeting === undefined) socket.write("220 Welcome\r\n");
  else if (greeting === "endless") pour(socket, "220-More and more of a welcome\r\n");
  else if (greeting !== "silent") drip(socket, "220-", greeting.dripMs);
}

function sendListing(socket: Socket, listing: HostileFtpOptions["listing"], done: () => void): void {
  if (listing === undefined) socket.end(LINE, done);
  else if (listing === "endless") pour(socket, LINE);
  else drip(socket, "t", listing.dripMs);
}

function drip(socket: Socket, start: string, dripMs: number): void {
  socket.write(start);
  const timer = setInterval(() => socket.write("x"), dripMs);
  socket.once("close", () => clearInterval(timer));
}

/** Writes as fast as the other side reads, until it leaves. */
function pour(socket: Socket, line: string): void {
  const block = line.repeat(500);
  const more = () => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.on("drain", more);
  more();
}
