import type { Command } from "commander";
import { ReportedFailure } from "../failure.ts";
import { counted, printJson, printLine, printRows, type Row } from "../output.ts";
import { settingsInForce } from "../settings-in-force.ts";

export function configure(command: Command): void {
  command.option("--json", "print a JSON object").action(async (options: { json?: boolean }) => {
    const { examine } = await import("../examine.ts");
    const settings = settingsInForce();
    const findings = await examine(command);
    const wrong = findings.filter((finding) => finding.state === "wrong");
    if (options.json) {
      printJson({ settings, findings });
    } else {
      printLine("Settings (environment before the file of GOGOBE_CONFIG before the default)\n");
      printRows(settings as unknown as Row[], "table");
      printLine("\nChecks\n");
      for (const { state, what, detail, hint } of findings) {
        printLine(`  ${state.padEnd(7)} ${what}: ${detail}`);
        if (hint !== undefined) printLine(`          what to do: ${hint}`);
      }
      printLine(
        wrong.length === 0 ? "\nEverything that is configured works." : `\n${counted(wrong.length, "problem")}.`,
      );
    }
    if (wrong.length > 0) throw new ReportedFailure(`gogobe: doctor found ${counted(wrong.length, "problem")}`);
  });
}
