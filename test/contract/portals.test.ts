import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { portalConformance } from "./portal-conformance-suite.ts";
import { PortalReport } from "./portal-report.ts";
import { PORTAL_SUBJECTS, SKELETONS } from "./portal-subjects.ts";

const DOCUMENT = join(import.meta.dirname, "../../docs/portals.md");
const report = new PortalReport();

for (const subject of PORTAL_SUBJECTS) portalConformance({ ...subject, report });

test("a family that is not described here is a skeleton, with a suite of its own", () => {
  const without = SKELETONS.filter((family) => !existsSync(join(import.meta.dirname, `portal-${family}.test.ts`)));
  expect(without).toEqual([]);
});

test("docs/portals.md tells what passed above", ({ skip }) => {
  const missing = report.missing();
  // A run of some of the tests cannot tell of all of them.
  if (missing.length > 0) skip(`${missing.length} tests did not pass or did not run`);
  const marks = /(<!-- behaviours:.*?-->\n)(.*?)(<!-- end of behaviours -->)/s;
  const document = readFileSync(DOCUMENT, "utf8");
  const table = `\n${report.markdown()}\n`;
  if (process.env["UPDATE_DOCS"] === "1") {
    writeFileSync(
      DOCUMENT,
      document.replace(marks, (_all, start: string, _old, end: string) => `${start}${table}${end}`),
    );
    return;
  }
  expect(marks.exec(document)?.[2]).toBe(table);
});
