/** What is asked of every portal family, and how its column in docs/portals.md is headed. */
export const BEHAVIOURS = {
  listing: "lists all",
  paging: "paging",
  days: "Israel's days",
  resolve: "resolves",
  download: "downloads",
  expiry: "expiry",
  retry: "tries again",
  drift: "drift",
  politeness: "polite",
  cancellation: "cancels",
  duplicates: "once each",
  leftovers: "no leftovers",
  empty: "empty or down",
} as const;
export type Behaviour = keyof typeof BEHAVIOURS;

/** A behaviour that a portal cannot show, with the reason. */
export interface NotApplicable {
  never: string;
}

interface Entry {
  tests: { title: string; passed: boolean }[];
  never: string | null;
  /** The family does not say how its portal behaves here: only a skeleton may leave it open. */
  open: boolean;
}

/** Collects what passed while the suite runs, and prints it as the table of the documentation. */
export class PortalReport {
  readonly #families = new Map<string, Map<Behaviour, Entry>>();

  /** Called when a test is declared; the result is called when it has passed. */
  declare(family: string, behaviour: Behaviour, title: string): () => void {
    const test = { title, passed: false };
    this.#entry(family, behaviour).tests.push(test);
    return () => {
      test.passed = true;
    };
  }

  declareNever(family: string, behaviour: Behaviour, reason: string): void {
    this.#entry(family, behaviour).never = reason;
  }

  declareOpen(family: string, behaviour: Behaviour): void {
    this.#entry(family, behaviour).open = true;
  }

  /** Titles of tests that did not pass, or did not run. */
  missing(): string[] {
    return [...this.#families].flatMap(([family, entries]) =>
      [...entries].flatMap(([behaviour, { tests }]) =>
        tests.filter(({ passed }) => !passed).map(({ title }) => `${family}: ${behaviour}: ${title}`),
      ),
    );
  }

  /** Markdown: families × behaviours, the reasons below, then what every family was tried against. */
  markdown(): string {
    const behaviours = Object.keys(BEHAVIOURS) as Behaviour[];
    const families = [...this.#families].toSorted(([a], [b]) => a.localeCompare(b));
    const reasons: string[] = [];
    const cell = (entry: Entry | undefined): string => {
      if (entry?.never !== null && entry?.never !== undefined) {
        if (!reasons.includes(entry.never)) reasons.push(entry.never);
        return `– (${reasons.indexOf(entry.never) + 1})`;
      }
      return entry !== undefined && entry.tests.length > 0 && entry.tests.every(({ passed }) => passed) ? "✓" : "open";
    };
    const rows = families.map(([family, entries]) => [
      `\`${family}\``,
      ...behaviours.map((behaviour) => cell(entries.get(behaviour))),
    ]);
    const lines = [["family", ...behaviours.map((behaviour) => BEHAVIOURS[behaviour])], ...rows].map(
      (cells) => `| ${cells.join(" | ")} |`,
    );
    lines.splice(1, 0, `| --- |${" :-: |".repeat(behaviours.length)}`);
    const numbered = reasons.map((reason, index) => `${index + 1}. ${reason}`);
    const tried = families.map(([family, entries]) => `- \`${family}\`: ${triedAgainst(entries).join("; ")}.`);
    return [...lines, "", ...numbered, "", "Tried against, besides what all share:", "", ...tried, ""].join("\n");
  }

  #entry(family: string, behaviour: Behaviour): Entry {
    const entries = this.#families.get(family) ?? new Map<Behaviour, Entry>();
    this.#families.set(family, entries);
    const entry = entries.get(behaviour) ?? { tests: [], never: null, open: false };
    entries.set(behaviour, entry);
    return entry;
  }
}

/** The titles that differ between families. */
function triedAgainst(entries: ReadonlyMap<Behaviour, Entry>): string[] {
  const differing: Behaviour[] = ["paging", "expiry", "drift"];
  return differing.flatMap((behaviour) => (entries.get(behaviour)?.tests ?? []).map(({ title }) => title));
}
