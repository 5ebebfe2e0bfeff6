import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONTAINERS, type FixtureContainer } from "../../../fixtures/containers.ts";
import { ENCODINGS, type FixtureEncoding } from "../../../fixtures/encodings.ts";

const DOCUMENT = join(import.meta.dirname, "../../../../docs/formats.md");
const MARKS = /(<!-- formats:.*?-->\n)(.*?)(<!-- end of formats -->)/s;

export type FormatKind = "price" | "promo" | "stores";

/** One table: its rows are the layouts of the generator. */
export interface FormatsSection {
  kind: FormatKind;
  title: string;
  dialects: readonly { dialect: string; readAs: string; path: string }[];
}

/** Collects which combinations of layout, encoding and container were read exactly, and writes the tables of the documentation. */
export class FormatsTable {
  readonly #passed = new Set<string>();

  pass(kind: FormatKind, dialect: string, encoding: FixtureEncoding, container: FixtureContainer): void {
    this.#passed.add(`${kind}/${dialect}/${encoding}/${container}`);
  }

  render(sections: readonly FormatsSection[]): string {
    return `\n${sections.map((section) => this.#renderSection(section)).join("\n")}`;
  }

  #renderSection({ kind, title, dialects }: FormatsSection): string {
    const layouts = dialects.map(({ dialect, readAs, path }) => [`\`${dialect}\``, `\`${readAs}\``, `\`${path}\``]);
    const matrix = ENCODINGS.map((encoding) => [
      `\`${encoding}\``,
      ...dialects.map(({ dialect }) => this.#cell(kind, dialect, encoding)),
    ]);
    return [
      `### ${title}\n`,
      table(["layout", "read as", "path to a row"], layouts),
      table(["encoding", ...dialects.map(({ dialect }) => `\`${dialect}\``)], matrix),
    ].join("\n");
  }

  /** In how many of the containers. */
  #cell(kind: FormatKind, dialect: string, encoding: FixtureEncoding): string {
    const passed = CONTAINERS.filter((container) => this.#passed.has(`${kind}/${dialect}/${encoding}/${container}`));
    return `${passed.length}/${CONTAINERS.length}`;
  }

  /** What the documentation says now; `text` itself once it was written there, with UPDATE_DOCS=1. */
  static inDocs(text: string): string | undefined {
    const document = readFileSync(DOCUMENT, "utf8");
    if (process.env["UPDATE_DOCS"] === "1") {
      writeFileSync(
        DOCUMENT,
        document.replace(MARKS, (_all, start: string, _old, end: string) => start + text + end),
      );
      return text;
    }
    return MARKS.exec(document)?.[2];
  }
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}
