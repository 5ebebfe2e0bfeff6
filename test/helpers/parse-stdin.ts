import { parseFile } from "../../parser/parse-file.ts";
import { boundYoungGeneration } from "../../shared/young-generation.ts";
import { downloadedFile } from "../unit/parser/helpers/parse.ts";
import { peakMemoryBytes } from "./peak-memory.ts";

/** What reading a file came to, as one line of JSON on standard output. */
export interface ReadFromStdin {
  rows: number;
  rowsRejected: number;
  complete: boolean;
  batches: number;
  seconds: number;
  peakMemoryBytes: number;
}

/** `parse-stdin.ts <file name>`: parses standard input to batches in a process of its own, as the command line does, and lets them go. */
boundYoungGeneration();
const [fileName = ""] = process.argv.slice(2);
const start = performance.now();
let rows = 0;
let batches = 0;
let last: ReadFromStdin | undefined;
const file = downloadedFile(new Uint8Array(), fileName);
for await (const message of parseFile(process.stdin, file, { maxExpandedBytes: 2 ** 31 })) {
  rows += message.items.length;
  batches++;
  const { totals } = message;
  if (totals === undefined) continue;
  const { complete, rowsRejected } = totals;
  const seconds = (performance.now() - start) / 1000;
  last = { rows, rowsRejected, complete, batches, seconds, peakMemoryBytes: peakMemoryBytes() };
}
console.log(JSON.stringify(last));
