import { FILE_TYPES } from "../shared/contracts/file-identity.ts";
import type { CheckReport } from "./check-chain.ts";
import type { FileCheck } from "./check-files.ts";
import { bytesText, counted, printLine, renderRows, type Row } from "./output.ts";

const COLUMNS = ["type", "listed", "file", "size", "dialect", "encoding", "rows", "rejected", "unknown_tags", "result"];

/** One line on the listing, a table of what is in the files, and what is wrong. */
export function printCheck(report: CheckReport): void {
  const { chain, portal, live, state, filesListed, days, seconds } = report;
  const where = live ? "the real portal" : "its fake portal on this machine";
  printLine(
    `${chain} (${portal}), ${where}: ${state}, ${counted(filesListed, "file")}${daysText(days)}, ${seconds.toFixed(1)} s`,
  );
  if (report.files.length > 0) printLine(indented(renderRows(rowsOf(report), "table", COLUMNS)));
  for (const problem of report.problems) printLine(`  wrong: ${problem}`);
  for (const note of report.notes) printLine(`  note: ${note}`);
}

/** One line per type that has files, or that was listed. */
function rowsOf({ files, filesByType }: CheckReport): Row[] {
  return FILE_TYPES.filter((type) => filesByType[type] > 0).map((type) => {
    const file = files.find((candidate) => candidate.type === type);
    return { type, listed: filesByType[type], ...(file === undefined ? {} : factsOf(file)) };
  });
}

function factsOf(file: FileCheck): Row {
  return {
    file: file.file,
    size: file.sizeBytes === null ? null : bytesText(file.sizeBytes),
    dialect: file.dialect,
    encoding: file.encoding,
    rows: file.rows,
    rejected: file.rejected,
    unknown_tags: Object.keys(file.unknownTags).length,
    result: file.problem === null ? "ok" : "wrong",
  };
}

function daysText({ since, until }: CheckReport["days"]): string {
  return `${since === null ? "" : ` since ${since}`}${until === null ? "" : ` until ${until}`}`;
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, "  ");
}
