import { type Command, Option } from "commander";
import { FILE_STATUSES, type FileStatus } from "../../shared/database/ledger.ts";
import { contextOf } from "../context.ts";
import { findFile, findFiles } from "../ledger-files.ts";
import { counted, countsText, formatOf, printJson, printLine, printRows, type Row } from "../output.ts";
import { parseCount } from "../options.ts";
import { type Runtime, withRuntime } from "../runtime.ts";
import { selectionOf, type StoredFlags, withStoredOptions } from "../stored-options.ts";

interface ListOptions extends StoredFlags {
  status?: FileStatus;
  limit: number;
  json?: boolean;
  csv?: boolean;
}

const COLUMNS = ["status", "chain", "file_name", "file_type", "published_at", "rows_read", "rows_rejected", "error"];

export function configure(command: Command): void {
  const inRuntime = (use: (runtime: Runtime) => Promise<void>) => withRuntime(contextOf(command, { quiet: true }), use);

  withFilter(command.command("list", { isDefault: true }))
    .description("files of the ledger, newest first")
    .option("--limit <count>", "how many at the most", parseCount, 50)
    .option("--json", "print a JSON array")
    .option("--csv", "print CSV")
    .action((options: ListOptions) => inRuntime((runtime) => list(runtime, options)));

  command
    .command("show")
    .description("everything the ledger knows of one file: counts, unknown tags, problems, rejected rows")
    .argument("<file>", "file id or published name")
    .option("--json", "print a JSON object")
    .action((file: string, options: { json?: boolean }) => inRuntime((runtime) => show(runtime, file, options)));

  withFilter(command.command("retry"))
    .description("send files through the line again: those named, or those of a status")
    .argument("[file...]", "file ids or published names")
    .action((names: string[], options: ListOptions) =>
      inRuntime(async (runtime) => {
        const { retryFiles } = await import("../retry-files.ts");
        const { status } = options;
        const filter = { ...selectionOf(options), ...(status === undefined ? {} : { status }) };
        printLine(`${counted(await retryFiles(runtime, names, filter), "file")} sent again`);
      }),
    );

  command
    .command("confirm")
    .description("trust a full file that was flagged: what it lacks is gone")
    .argument("<file>", "file id or published name")
    .action((name: string) =>
      inRuntime(async (runtime) => {
        const { confirmFullFile } = await import("../../writer/confirm.ts");
        const { fileName, changed } = await confirmFullFile((await runtime.database()).pool, name);
        printLine(changed ? `${fileName} is trusted now: what it lacks is gone` : `${fileName} was trusted already`);
      }),
    );
}

function withFilter(command: Command): Command {
  command.addOption(new Option("--status <status>", "one status only").choices(FILE_STATUSES));
  return withStoredOptions(command);
}

async function list(runtime: Runtime, options: ListOptions): Promise<void> {
  const { pool } = await runtime.database();
  const { status, limit } = options;
  const statuses = status === undefined ? {} : { statuses: [status] };
  const files = await findFiles(pool, { ...selectionOf(options), ...statuses, limit });
  const format = formatOf(options);
  printRows(files as unknown as Row[], format, format === "table" ? COLUMNS : undefined);
}

async function show(runtime: Runtime, name: string, options: { json?: boolean }): Promise<void> {
  const { pool } = await runtime.database();
  const file = await findFile(pool, name);
  const { rows: rejected } = await pool.query<Row>(
    "SELECT line, reason, raw FROM rejected_rows WHERE file_id = $1 ORDER BY line, reason LIMIT 1000",
    [file.file_id],
  );
  const { rows: batches } = await pool.query<{ batches: number; rows: number }>(
    "SELECT count(*)::int AS batches, coalesce(sum(row_count), 0)::int AS rows FROM batches WHERE file_id = $1",
    [file.file_id],
  );
  const facts = { ...file, batches_loaded: batches[0]?.batches ?? 0, rows_loaded: batches[0]?.rows ?? 0 };
  if (options.json) return printJson({ ...facts, rejected });
  const { header, unknown_tags: unknownTags, problems, ...scalars } = facts;
  for (const [field, value] of Object.entries(scalars)) {
    if (value !== null) printLine(`${field.padEnd(16)} ${plain(value)}`);
  }
  const headerText = Object.entries(header ?? {}).map(([name, text]) => `${name} ${text}`);
  if (headerText.length > 0) printLine(`header           ${headerText.join(", ")}`);
  if (unknownTags !== null) printLine(`unknown_tags     ${countsText(unknownTags) || "none"}`);
  for (const problem of problems ?? []) printLine(`problem          ${problem}`);
  if (rejected.length === 0) return;
  printLine(`\nrejected rows${rejected.length === 1000 ? " (the first 1000)" : ""}:`);
  printRows(rejected, "table");
}

function plain(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
