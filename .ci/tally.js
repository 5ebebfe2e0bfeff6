// Adds up what the steps of .ci/run recorded: lists what failed and why tests were skipped; the last line is "N passed, N failed".
import { existsSync, readFileSync } from "node:fs";

const totals = { passed: 0, failed: 0 };
const failures = [];
/** Titles by the reason that each ends with. */
const skips = new Map();

for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
  const [kind, code, name, report] = line.split("\t");
  if (kind === "step") countStep(name, code);
  else countTests(name, code, report);
}

print(
  "Skipped",
  [...skips].map(([reason, titles]) => `${titles.length} x ${reason}`),
);
print("Failed", failures);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;

function countStep(name, code) {
  if (code === "0") totals.passed++;
  else fail(`${name}: ended with ${code}`);
}

function countTests(name, code, report) {
  const before = totals.failed;
  if (!existsSync(report)) return fail(`${name}: the runner crashed with ${code} before it wrote its report`);
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  let ran = 0;
  for (const file of testResults) {
    for (const test of file.assertionResults) {
      const title = `${name}: ${[...test.ancestorTitles, test.title].join(" > ")}`;
      if (test.status === "passed") totals.passed++;
      else if (test.status === "failed") fail(title);
      else skip(name, title);
      if (test.status === "passed" || test.status === "failed") ran++;
    }
    const broken = file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed");
    if (broken) fail(`${name}: ${file.name} could not be run: ${file.message}`);
  }
  if (ran === 0) fail(`${name}: no test ran`);
  // An error outside every test, or a runner that was killed after its report.
  if (code !== "0" && totals.failed === before) fail(`${name}: the runner ended with ${code} although no test failed`);
}

function fail(what) {
  totals.failed++;
  failures.push(what);
}

function skip(name, title) {
  const reason = `${name}: ${/skipped: [^()[\]>]*/.exec(title)?.[0] ?? title}`;
  skips.set(reason, [...(skips.get(reason) ?? []), title]);
}

function print(heading, lines) {
  if (lines.length === 0) return;
  console.log(`${heading}:`);
  for (const line of lines) console.log(`  ${line}`);
  console.log();
}
