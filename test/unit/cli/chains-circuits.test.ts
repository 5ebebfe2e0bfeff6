import { expect, test } from "vitest";
import { circuitOf, circuitText } from "../../../cli/chain-circuits.ts";
import type { OpenCircuit } from "../../../shared/net/host-circuits-table.ts";

const retryAt = new Date("2026-01-13T12:00:30Z");
const open = (host: string): OpenCircuit => ({ host, state: "open", retryAt, error: "refused" });
const halfOpen = (host: string): OpenCircuit => ({ ...open(host), state: "half-open" });

test("a chain is as badly off as the worst of the hosts that it may fetch from", () => {
  const chain = { baseUrl: "https://prices.test/", hosts: ["files.test"] };
  expect(circuitOf(chain, [])).toEqual({ state: "closed", retryAt: null, hosts: [] });
  expect(circuitOf(chain, [open("other.test")]).state).toBe("closed");
  expect(circuitOf(chain, [halfOpen("files.test:8080")]).state).toBe("half-open");
  const both = circuitOf(chain, [halfOpen("files.test"), open("prices.test")]);
  expect(both).toMatchObject({ state: "open", retryAt, hosts: [{ host: "files.test" }, { host: "prices.test" }] });
  expect(circuitText(both)).toBe("open until 2026-01-13T12:00:30.000Z");
});

test("two portals on one address are told apart by their ports", () => {
  const chain = { baseUrl: "http://127.0.0.1:4001/", hosts: ["127.0.0.1"] };
  expect(circuitOf(chain, [open("127.0.0.1:4002")]).state).toBe("closed");
  expect(circuitOf(chain, [open("127.0.0.1:4001")]).state).toBe("open");
  const ftp = { baseUrl: "ftp://ftp.test:21/", hosts: [] };
  expect(circuitOf(ftp, [open("ftp.test")]).state).toBe("open");
});
