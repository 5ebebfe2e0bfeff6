import { stringify } from "csv-stringify/sync";
import Table from "cli-table3";

export type Cell = string | number | boolean | bigint | Date | null | undefined | object;
export type Row = Record<string, Cell>;

/** How a command prints its result. */
export type Format = "table" | "json" | "csv";

export function formatOf(options: { json?: boolean; csv?: boolean }): Format {
  if (options.json) return "json";
  return options.csv ? "csv" : "table";
}

/**
 * Prints rows on standard output. `columns` gives the order and which fields are shown; without it every field of the first row.
 * JSON is one array on one document, for programs; CSV has a header line.
 */
export function printRows(rows: Row[], format: Format, columns: string[] = Object.keys(rows[0] ?? {})): void {
  process.stdout.write(renderRows(rows, format, columns));
}

export function renderRows(rows: Row[], format: Format, columns: string[]): string {
  if (format === "json") return `${JSON.stringify(rows, jsonValue, 2)}\n`;
  if (format === "csv") {
    return stringify(
      rows.map((row) => columns.map((column) => cellText(row[column]))),
      { header: true, columns },
    );
  }
  return renderTable(rows, columns);
}

/** One JSON document on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, jsonValue, 2)}\n`);
}

export function printLine(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** `1 file`, `3 files`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}

/** `Foo (12), Bar (3)`: the most frequent first. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} (${grouped(count)})`)
    .join(", ");
}

/** `12,345`. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1.5 GB`, decimal units. */
export function bytesText(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** `3 s`, `4 min 10 s`, `2 h 5 min`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

function renderTable(rows: Row[], columns: string[]): string {
  if (rows.length === 0) return "(no rows)\n";
  const numeric = columns.map((column) => rows.every((row) => isNumeric(row[column])));
  const table = new Table({
    head: columns,
    chars: LINES,
    colAligns: numeric.map((right) => (right ? "right" : "left")),
    style: { "padding-left": 0, "padding-right": 0, head: process.stdout.isTTY ? ["bold"] : [], border: [] },
  });
  for (const row of rows) table.push(columns.map((column) => cellText(row[column])));
  return `${table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** Column by column: right-aligned when every value is a number or missing, and one at least is there. */
function isNumeric(value: Cell): boolean {
  if (value === null || value === undefined) return true;
  return typeof value === "number" || typeof value === "bigint" || /^-?\d[\d,]*(\.\d+)?%?$/.test(String(value));
}

function cellText(value: Cell): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value, jsonValue) : String(value);
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
