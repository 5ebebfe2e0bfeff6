import { pino, stdTimeFunctions, type DestinationStream, type Logger } from "pino";

export type Log = Logger;

/** Paths whose values never reach a log line. */
const SECRET_PATHS = [
  "password",
  "*.password",
  "proxy",
  "*.proxy",
  "url",
  "*.url",
  "authorization",
  "*.authorization",
  "cookie",
  "*.cookie",
];

/**
 * Structured log, one JSON object a line on standard error (standard output belongs to a command's result).
 * Bind `stage` per process and `fileId` per file: one id follows a file through all stages.
 */
export function createLog(options: { level: string; stage?: string; destination?: DestinationStream }): Log {
  return pino(
    {
      level: options.level,
      base: options.stage === undefined ? {} : { stage: options.stage },
      timestamp: stdTimeFunctions.isoTime,
      redact: {
        paths: SECRET_PATHS,
        censor: (value, path) => (path.at(-1) === "url" ? redactUrl(String(value)) : "[redacted]"),
      },
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** A URL without user, password, query and fragment: link signatures and accounts stay out of logs, ledger and exports. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return "[not a url]";
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  parsed.search = "";
  parsed.hash = "";
  return parsed.href;
}
