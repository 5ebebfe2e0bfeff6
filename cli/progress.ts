import { Presets, SingleBar } from "cli-progress";

/** Shows how far a piece of work is. On a terminal one line that moves; elsewhere a plain line now and then. All on standard error. */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  /** Ends the moving line. Safe to call twice. */
  stop(): void;
}

/** Least time between two plain lines: enough to see that it lives, not enough to fill a log. */
const PLAIN_EVERY_MS = 5_000;

export function createProgress(what: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? movingBar(what, stream) : plainLines(what, stream);
}

function movingBar(what: string, stream: NodeJS.WriteStream): Progress {
  const format = `${what} {bar} {value}/{total} {note}`;
  const bar = new SingleBar({ format, stream, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
  let running = false;
  return {
    update(done, total, note = "") {
      if (running) {
        bar.setTotal(total);
        bar.update(done, { note });
      } else {
        bar.start(total, done, { note });
        running = true;
      }
    },
    stop() {
      if (running) bar.stop();
      running = false;
    },
  };
}

function plainLines(what: string, stream: NodeJS.WritableStream): Progress {
  let last = "";
  let lastAt = 0;
  return {
    update(done, total, note = "") {
      const line = `${what}: ${done} of ${total}${note === "" ? "" : `, ${note}`}`;
      if (line === last || Date.now() - lastAt < PLAIN_EVERY_MS) return;
      stream.write(`${line}\n`);
      last = line;
      lastAt = Date.now();
    },
    stop() {},
  };
}
