import type { DemoReport } from "./demo-report.ts";
import { counted, printLine, printRows } from "./output.ts";

export function say(text: string): void {
  printLine(text);
}

/** The report as a person reads it. */
export function printDemo(report: DemoReport, run: { seconds: number; home?: string }): void {
  printLine();
  printLine(
    `Loaded: ${counted(report.files, "file")}, ${counted(report.stores, "store")}, ${counted(report.items, "item")} behind ` +
      `${counted(report.masterProducts, "master product")}, ${counted(report.prices, "current price")}, ` +
      `${counted(report.promotions, "promotion")}, ${counted(report.delisted, "delisted price")}, ` +
      `${counted(report.historyPoints, "point")} of history`,
  );
  section("The chains (price index: 100 is the average of what several sell)");
  printRows(report.chains, "table");
  section("The cheapest chain for products that go by different names");
  printRows(report.cheapest, "table", ["product", "cheapest", "price", "dearest"]);
  const [example] = report.cheapest;
  if (example) {
    printLine(`\nThe first of them is one product because of its barcode; the chains call it`);
    for (const name of example.called.split(" | ")) printLine(`  ${name}`);
  }
  section(`What changed from ${report.days[0]} to ${report.days[1]}`);
  printRows(report.changes, "table");
  printLine();
  printLine(`Done in ${run.seconds.toFixed(1)} s. Nothing is left running.`);
  if (run.home === undefined) {
    printLine("Keep the database with `gogobe demo --home <dir>`, then ask it with `gogobe query`.");
  } else {
    printLine(`Ask it: GOGOBE_HOME=${run.home} npx gogobe query "SELECT * FROM cheapest_now LIMIT 10"`);
  }
}

function section(title: string): void {
  printLine(`\n${title}\n`);
}
