import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** Set by infra/native/with-node. */
const asked = process.env["GOGOBE_TEST_NODE_VERSION"];

test.skipIf(asked === undefined)(
  `tests and the programs that they start run on the Node that was asked for${asked ? ` (${asked})` : " (skipped: none was; infra/native/with-node does)"}`,
  () => {
    expect(process.versions.node).toBe(asked);
    const version = ["-p", "process.versions.node"];
    for (const node of [process.execPath, "node"]) {
      expect(spawnSync(node, version, { encoding: "utf8" }).stdout.trim()).toBe(asked);
    }
  },
);
