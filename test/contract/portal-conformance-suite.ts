import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Candidate } from "../../crawlers/listed-file.ts";
import { RetryableError } from "../../shared/errors.ts";
import { redactUrl } from "../../shared/observability/log.ts";
import type { FakePortal, PortalFault } from "../fake-portals/fake-portal.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";
import { createTestDatabase, type TestDatabase } from "../helpers/database.ts";
import { sampleFiles } from "./portal-files.ts";
import { type Behaviour, type NotApplicable, PortalReport } from "./portal-report.ts";
import type { Paging, PortalSubject, TestClock } from "./portal-subject.ts";
import { NOW, openPortalWorld, type PortalWorld, type WorldOptions } from "./portal-world.ts";

export type { PortalSubject } from "./portal-subject.ts";

const isFtp = (portal: FakePortal) => portal.url.startsWith("ftp:");
/** FTP: the commands that the fake can spoil. */
const FILE_COMMANDS = new Set(["GET", "MLSD", "LIST", "RETR"]);
const requestsOf = (portal: FakePortal) => portal.requests.filter(({ method }) => FILE_COMMANDS.has(method)).length;

/** What every portal family must do, over its fake portal and the real network layer, crawler and downloader code. */
export function portalConformance(subject: PortalSubject): void {
  const { family, plugin, startFake, mode = "full", names = {}, report = new PortalReport() } = subject;
  let database: TestDatabase;
  let world: PortalWorld | undefined;

  /** The sample, published; `clock` is what time it is for portal and crawler. */
  async function open(options: Partial<WorldOptions> & { clock?: TestClock; today?: string } = {}) {
    const { clock } = options;
    const portal = await startFake([], clock ? { now: clock.now } : {});
    const now = clock ? () => new Date(clock.now()) : (options.now ?? (() => NOW));
    const chainId = Object.values(portal.chainOverrides())[0]?.chainIds[0] ?? "1";
    const files = sampleFiles(chainId, names, now(), options.today);
    portal.setFiles(files.all);
    world = await openPortalWorld({ db: database.pool, plugin, portal, ...options, now });
    return { ...world, files, now };
  }

  function check(behaviour: Behaviour, title: string, run: () => Promise<void>): void {
    const passed = report.declare(family, behaviour, title);
    test(`${behaviour}: ${title}`, async () => {
      expect.hasAssertions();
      await run();
      passed();
    });
  }

  function notApplicable(behaviour: Behaviour, { never }: NotApplicable): void {
    report.declareNever(family, behaviour, never);
    test.skipIf(true)(`${behaviour}: skipped, does not apply: ${never}`, () => expect.unreachable());
  }

  function notSaid(behaviour: Behaviour): void {
    report.declareOpen(family, behaviour);
    const why = mode === "skeleton" ? "skipped, a skeleton may leave it open" : "must be described";
    test.skipIf(mode === "skeleton")(`${behaviour}: ${why}`, () => {
      expect.fail(`say in the subject of ${family} how its portal behaves (${behaviour}), or why it cannot`);
    });
  }

  describe(`portal family ${family}`, () => {
    beforeAll(async () => void (database = await createTestDatabase()));
    afterAll(() => database.drop());
    afterEach(async () => {
      await world?.close();
      world = undefined;
    });

    check("listing", "lists every file of today and yesterday, and narrows by type and store", async () => {
      const { list, files } = await open();
      const everything = await list();
      expect(everything).toMatchObject({ state: "found", detail: null, unknownNames: 0 });
      expect(everything.names.toSorted()).toEqual(sorted(files.current));
      for (const type of ["price", "price-full", "promo", "promo-full", "stores"] as const) {
        const ofType = everything.files.filter(({ parts }) => parts.fileType === type);
        expect(ofType.length).toBeGreaterThan(0);
        expect((await list({ types: [type] })).names.toSorted()).toEqual(sortedNames(ofType));
      }
      const ofStore = everything.files.filter(
        ({ parts }) => Number(parts.storeId) === 7 || parts.fileType === "stores",
      );
      expect((await list({ stores: ["7"] })).names.toSorted()).toEqual(sortedNames(ofStore));
    });

    if (subject.paging === undefined) notSaid("paging");
    else if ("never" in subject.paging) notApplicable("paging", subject.paging);
    else {
      const { over, requests, withoutPager } = subject.paging;
      const readsAll = async (rewrite?: Paging["withoutPager"]) => {
        const { list, portal, files } = await open();
        if (rewrite) portal.addFault({ kind: "rewrite", change: rewrite });
        expect((await list()).names.toSorted()).toEqual(sorted(files.current));
        expect(requestsOf(portal)).toBeGreaterThanOrEqual(requests);
      };
      check("paging", `reads on over ${over}`, () => readsAll());
      if (withoutPager) check("paging", "reads on when the pager vanishes", () => readsAll(withoutPager));
    }

    check("days", "counts days as Israel does, just after midnight there", async () => {
      // 00:30 on 13 January in Israel; still the 12th in UTC.
      const { list, files } = await open({ now: () => new Date("2026-01-12T22:30:00Z"), today: "2026-01-13" });
      expect((await list()).names.toSorted()).toEqual(sorted(files.current));
    });

    check("resolve", "resolves a link as listed, and as the ledger keeps it: without a signature", async () => {
      const { list, download, files } = await open();
      const { files: listed } = await list();
      for (const file of onePerType(listed)) {
        const expected = contentOf(files.all, file.listed.fileName);
        expect(await download(file)).toEqual(expected);
        expect(await download(file, { url: redactUrl(file.listed.url) })).toEqual(expected);
      }
    });

    check("download", "downloads the bytes that the portal published, several files at once", async () => {
      const { list, download, files, portal } = await open();
      const some = (await list()).files.slice(0, 12);
      const bytes = await Promise.all(some.map((file) => download(file)));
      expect(bytes).toEqual(some.map((file) => contentOf(files.all, file.listed.fileName)));
      expect(portal.served()).toHaveLength(some.length);
    });

    if (subject.expiry === undefined) notSaid("expiry");
    else if ("never" in subject.expiry) notApplicable("expiry", subject.expiry);
    else {
      for (const { after, when, happen } of subject.expiry) {
        check("expiry", `a link is renewed after ${after}`, async () => {
          const clock = clockFrom(Date.now());
          const { list, download, files, portal } = await open({ clock });
          const [file] = (await list({ types: ["price-full"] })).files;
          if (!file) throw new Error("nothing was listed");
          const plain = await requestsDuring(portal, () => download(file));
          if (when === "listing") happen(portal, clock);
          const beforeFetch = when === "resolving" ? { beforeFetch: () => happen(portal, clock) } : {};
          const renewed = await requestsDuring(portal, async () => {
            expect(await download(file, beforeFetch)).toEqual(contentOf(files.all, file.listed.fileName));
          });
          expect(renewed).toBeGreaterThan(plain);
        });
      }
    }

    for (const [what, fault] of Object.entries(passingFaults)) {
      check("retry", `${what}: tried again, in the listing and in the download`, async () => {
        const { list, download, portal, files } = await open({ net: QUICK });
        portal.addFault(fault(portal));
        const listing = await list();
        expect(listing.names.toSorted()).toEqual(sorted(files.current));
        const file = listing.files[0] as Candidate;
        portal.clearFaults();
        const needed = await requestsDuring(portal, () => download(file));
        // The last of its requests is the file itself.
        portal.addFault({ ...fault(portal), after: needed - 1 });
        const again = await requestsDuring(portal, async () => {
          expect(await download(file)).toEqual(contentOf(files.all, file.listed.fileName));
        });
        expect(again).toBeGreaterThan(needed);
      });
    }

    check("drift", "notices a page that is not its listing", async () => {
      const { list, portal } = await open();
      if (isFtp(portal)) portal.addFault({ kind: "rewrite", change: () => "<html>maintenance</html>\r\n" });
      else portal.addFault({ kind: "body", body: "<html><body>maintenance</body></html>" });
      const { state, detail } = await list();
      expect([state, detail]).toEqual(["layout-not-recognised", expect.stringMatching(/without .*maintenance/s)]);
    });

    if (subject.drift === undefined) notSaid("drift");
    for (const { change, rewrite, names: missing, on, step = "listing" } of subject.drift ?? []) {
      check("drift", `notices ${change}`, async () => {
        const { list, download, portal } = await open();
        const fault: PortalFault = { kind: "rewrite", change: rewrite, ...(on ? { on } : {}) };
        if (step === "listing") portal.addFault(fault);
        const { state, detail, files } = await list();
        if (step === "listing")
          expect([state, detail]).toEqual(["layout-not-recognised", expect.stringMatching(missing)]);
        else {
          portal.addFault(fault);
          await expect(download(files[0] as Candidate)).rejects.toThrow(missing);
        }
      });
    }

    check(
      "politeness",
      "never has more requests or connections open than the chain allows, listing and downloading",
      async () => {
        const { list, download, portal } = await open({ entry: { maxParallel: 2 } });
        const { files: listed } = await list();
        portal.addFault({ kind: "gather", requests: 3, atMostMs: 120, times: 6 });
        await Promise.all([list(), ...listed.slice(0, 8).map((file) => download(file))]);
        expect([portal.peakParallel(), portal.peakConnections()]).toEqual([2, 2]);
      },
    );

    check("cancellation", "ends at once when it is asked to, and leaves no connection open", async () => {
      // Nothing but the signal ends these requests in time.
      const net = { responseTimeoutMs: 600_000, idleTimeoutMs: 600_000 };
      const { list, download, leave, portal } = await open({ net });
      const { files: listed } = await list();
      const file = listed[0] as Candidate;
      const needed = await requestsDuring(portal, () => download(file));
      for (const [after, begin] of [
        [0, (signal: AbortSignal) => list({}, signal).then(({ state }) => state)],
        [needed - 1, (signal: AbortSignal) => download(file, { signal }).catch(() => "given up")],
      ] as const) {
        portal.clearFaults();
        portal.addFault({ kind: "hang", after });
        const before = requestsOf(portal);
        const stop = new AbortController();
        const work = begin(stop.signal);
        await vi.waitFor(() => expect(requestsOf(portal)).toBeGreaterThan(before + after), WAIT);
        stop.abort(new RetryableError("asked to stop"));
        expect(await work).toMatch(/unreachable|given up/);
        await vi.waitFor(() => expect(portal.underWay()).toBe(0), WAIT);
      }
      await leave();
      await vi.waitFor(() => expect(portal.openConnections()).toBe(0), WAIT);
    });

    check("duplicates", "takes a file once that the portal lists again and again", async () => {
      const { list, portal, files } = await open();
      portal.setFiles([...files.all, ...files.current.slice(0, 30), ...files.current.slice(-30)]);
      expect((await list()).names.toSorted()).toEqual(sorted(files.current));
    });

    check("leftovers", "leaves old files out unless --since asks for them", async () => {
      const { list, files } = await open();
      const all = await list();
      expect(all.names).not.toContain(files.older.name);
      const since = await list({ since: "2026-01-10" });
      expect(since.names.toSorted()).toEqual(sorted([...files.current, files.older]));
    });

    check(
      "empty",
      "tells a day of rest from a day like any other, and no files from a portal that is down",
      async () => {
        const clock = clockFrom(NOW.getTime());
        const { list, portal } = await open({ clock });
        portal.setFiles([]);
        const { emptyState = "empty-suspicious" } = subject;
        expect((await list()).state).toBe(emptyState);
        // Saturday, 14:00.
        clock.advance(4 * 86_400_000);
        expect((await list()).state).toBe(emptyState === "empty-suspicious" ? "empty-plausible" : emptyState);
        await portal.goDown();
        expect(await list()).toMatchObject({ state: "unreachable", detail: expect.stringContaining("127.0.0.1") });
        await portal.comeBack();
      },
    );
  });
}

/** An answer that never comes is given up soon. */
const QUICK = { responseTimeoutMs: 500, idleTimeoutMs: 500 };
const WAIT = { timeout: 10_000, interval: 5 };

/** Trouble that passes: met once, and gone at the next try. */
const passingFaults: Record<string, (portal: FakePortal) => PortalFault> = {
  "an error answer": (portal) => ({ kind: "status", status: isFtp(portal) ? 421 : 500, times: 1 }),
  "a connection that breaks": () => ({ kind: "drop", times: 1 }),
  "an answer that breaks off": () => ({ kind: "truncate", afterBytes: 30, times: 1 }),
  "no answer at all": () => ({ kind: "hang", times: 1 }),
};

function clockFrom(start: number): TestClock {
  let offset = 0;
  return {
    now: () => start + offset,
    advance: (milliseconds) => {
      offset += milliseconds;
    },
  };
}

async function requestsDuring(portal: FakePortal, work: () => Promise<unknown>): Promise<number> {
  const before = requestsOf(portal);
  await work();
  return requestsOf(portal) - before;
}

function onePerType(files: readonly Candidate[]): Candidate[] {
  return [...new Map(files.map((file) => [file.parts.fileType, file])).values()];
}

function contentOf(files: readonly PortalFile[], name: string): Buffer {
  const content = files.find((file) => file.name === name)?.content;
  if (!(content instanceof Uint8Array)) throw new Error(`${name} is not a file of the sample`);
  return Buffer.from(content);
}

const sorted = (files: readonly PortalFile[]) => files.map(({ name }) => name).toSorted();
const sortedNames = (files: readonly Candidate[]) => files.map(({ listed }) => listed.fileName).toSorted();
