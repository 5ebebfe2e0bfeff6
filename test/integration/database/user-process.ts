import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./database-user.ts", import.meta.url));

/** A process of its own that uses the database of a home. */
export interface UserProcess {
  /** Its next line of output. */
  line(): Promise<string>;
  /** Sends a statement, resolves with the rows it printed. */
  query(statement: string): Promise<unknown>;
  /** Closes in order; resolves with what it said last. */
  close(): Promise<string>;
  /** kill -9. */
  kill(): Promise<void>;
}

export function startUser(home: string, identity: { uid?: number; gid?: number; program?: string } = {}): UserProcess {
  const { program = PROGRAM, ...ids } = identity;
  const child: ChildProcess = spawn(process.execPath, [program], {
    ...ids,
    env: { PATH: process.env["PATH"], GOGOBE_HOME: home, NODE_NO_WARNINGS: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("the child has no output");
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done || next.value.startsWith("failed")) throw new Error(next.done ? "the process ended" : next.value);
    return next.value;
  };
  // A process that has died says so on its output.
  child.stdin?.on("error", () => undefined);
  const send = (text: string) => child.stdin?.write(`${text}\n`);
  return {
    line,
    query: async (statement) => {
      send(statement);
      const answer = await line();
      return JSON.parse(answer);
    },
    close: async () => {
      send("close");
      const said = await line();
      await exited;
      return said;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
