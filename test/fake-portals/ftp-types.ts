import type { Server, Socket } from "node:net";

/** The parts of ftp-srv that its type declarations leave out, as far as the fake uses them. */
export interface FtpCommandCall {
  command: { directive: string; arg: string | null };
}

/** What ftp-srv and the listings need to know of an entry. */
export interface FtpEntry {
  name: string;
  size: number;
  mtime: Date;
  /** As MLSD prints them: `type=file;size=187;modify=20260102001105;`. */
  facts: string;
  isDirectory(): boolean;
}

export interface FtpSession {
  id: string;
  server: object;
  secure: boolean;
  authenticated?: boolean;
  username?: string;
  ip: string;
  restByteCount: number | undefined;
  commandSocket: Socket;
  fs: { list(path: string): Promise<FtpEntry[]>; currentDirectory(): string };
  connector: {
    dataServer: Server | null;
    waitForConnection(options: { timeout: number; delay: number }): PromiseLike<Socket>;
    end(): void;
  };
  commands: { handle(line: string): PromiseLike<unknown> };
  login(username: string, password: string): PromiseLike<unknown>;
  reply(code: number | object, ...lines: (string | object)[]): PromiseLike<unknown>;
}

export interface FtpCommand {
  directive: string;
  handler(this: FtpSession, call: FtpCommandCall): unknown;
  flags?: { feat?: string; no_auth?: boolean };
}

export type FtpCommandRegistry = Record<string, FtpCommand>;
