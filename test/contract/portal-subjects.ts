import { builtInFamilies } from "../../crawlers/portals/index.ts";
import { FAKE_PORTALS } from "../fake-portals/index.ts";
import type { NameForm } from "./portal-files.ts";
import type { Drift, PortalSubject } from "./portal-subject.ts";

type Peculiar = Omit<PortalSubject, "family" | "plugin" | "startFake" | "mode" | "report">;

/** A key or word of the layout that is spelled otherwise all of a sudden. */
function renamed(what: string, from: RegExp, names: RegExp, more: Partial<Drift> = {}): Drift {
  return { change: `${what} under another name`, rewrite: (body) => body.replaceAll(from, "renamed"), names, ...more };
}

const noTable: Drift = {
  change: "files that are no table any more",
  rewrite: (body) => body.replaceAll(/<(\/?)(?:table|thead|tbody|tfoot|tr|td|th)\b/g, "<$1div"),
  names: /a table/,
};
const noLinks: Drift = {
  change: "rows without links",
  rewrite: (body) => body.replaceAll(" href=", " data-href="),
  names: /a\[href\]/,
};

const PLAIN_LINKS = { never: "links are plain addresses that last as long as the file" };
const ONE_ANSWER = { never: "one answer holds everything" };

/** The shop sites: pages of names without extension, with a pager of list items. */
const SHOP_SITE: Peculiar = {
  names: { extension: ".xml.gz" },
  expiry: PLAIN_LINKS,
  drift: [noTable, noLinks],
};
const withoutShopPager = (body: string) => body.replaceAll(/<ul>.*?<\/ul>/gs, "");

/** What is peculiar to every portal, from the field's notes on portals. */
const PECULIAR: Record<string, Peculiar> = {
  bina: {
    paging: { over: "one answer per day", requests: 2 },
    expiry: { never: "the address of a file is asked for right before its download" },
    drift: [
      renamed('"FileNm"', /FileNm(?=")/g, /the key "FileNm"/),
      { change: "a list inside an object", rewrite: (body) => `{"d":${body}}`, names: /a JSON array/ },
      renamed('"SPath"', /SPath/g, /the key "SPath"/, { step: "resolve" }),
    ],
  },
  cerberus: {
    paging: ONE_ANSWER,
    expiry: { never: "a path and an account are all it takes, and neither expires" },
    drift: [
      { change: "other endings of all names", rewrite: (body) => body.replaceAll(".gz", ".7z"), names: /\.gz/ },
      { change: "entries without a type", rewrite: (body) => body.replaceAll(/type=\w+;/g, ""), names: /type=/ },
    ],
  },
  "city-market-shops": {
    ...SHOP_SITE,
    paging: { over: "pages of 20 rows, per day and kind", requests: 12, withoutPager: withoutShopPager },
  },
  "hazi-hinam": {
    ...SHOP_SITE,
    names: { extension: ".xml.gz", subChainId: "000" },
    paging: { over: "pages of 20 rows, per day", requests: 9, withoutPager: withoutShopPager },
  },
  laibcatalog: {
    paging: { over: "one answer per branch", requests: 46 },
    expiry: PLAIN_LINKS,
    drift: [
      renamed('"number"', /number(?=")/g, /the key "number"/),
      renamed('"fileName"', /fileName(?=")/g, /the key "fileName"/),
    ],
  },
  matrix: {
    names: { extension: ".xml.gz", sequence: 1 },
    paging: ONE_ANSWER,
    expiry: PLAIN_LINKS,
    drift: [noTable, noLinks],
    // The chain of the sample is known to be empty.
    emptyState: "empty-plausible",
  },
  "meshnat-yosef-worker": {
    paging: ONE_ANSWER,
    expiry: PLAIN_LINKS,
    drift: [renamed('"name"', /name(?=")/g, /the key "name"/), renamed('"url"', /url(?=")/g, /the key "url"/)],
  },
  "netiv-hesed": { paging: ONE_ANSWER, expiry: PLAIN_LINKS, drift: [noTable, noLinks] },
  publishprice: {
    paging: { over: "one page per day", requests: 2 },
    expiry: PLAIN_LINKS,
    drift: [
      renamed("the list in the script", /const files/g, /const files/),
      renamed("the path in the script", /const path/g, /const path/),
      renamed('"name"', /name(?=")/g, /the key "name"/),
    ],
    // A day without files and a new layout look the same there.
    emptyState: "layout-not-recognised",
  },
  shufersal: {
    paging: {
      over: "pages of 20 rows",
      requests: 7,
      withoutPager: (body) => body.replaceAll(/<tfoot>.*?<\/tfoot>/gs, ""),
    },
    expiry: [
      { after: "30 minutes", when: "listing", happen: (_, clock) => clock.advance(31 * 60_000) },
      { after: "its signature was withdrawn", when: "listing", happen: (portal) => portal.expireLinks?.() },
      {
        after: "it expired between resolving and fetching",
        when: "resolving",
        happen: (_, clock) => clock.advance(31 * 60_000),
      },
    ],
    drift: [renamed("the grid", /gridContainer/g, /#gridContainer/), noLinks],
  },
  "super-pharm": {
    paging: {
      over: "pages of 20 rows, per day",
      requests: 9,
      withoutPager: (body) => body.replaceAll(/<div class="mvc-grid-pager">.*?<\/div>/gs, ""),
    },
    expiry: [
      { after: "10 minutes between its two steps", when: "resolving", happen: (_, clock) => clock.advance(601_000) },
      { after: "its second step was withdrawn", when: "resolving", happen: (portal) => portal.expireLinks?.() },
    ],
    drift: [noTable, noLinks, renamed('"href"', /href(?=")/g, /"href"/, { step: "resolve", on: /getlink/ })],
  },
  wolt: {
    names: { subChainId: "000" },
    paging: { over: "one page per day", requests: 2 },
    expiry: PLAIN_LINKS,
    drift: [
      {
        change: "files that are no list any more",
        rewrite: (body) => body.replaceAll(/<(\/?)(?:ul|li)>/g, "<$1p>"),
        names: /a list/,
      },
      noLinks,
    ],
  },
};

/** How names look at a portal. */
export function nameFormOf(family: string): NameForm {
  return PECULIAR[family]?.names ?? {};
}

/** Every family with a fake portal that is described above. */
export const PORTAL_SUBJECTS: readonly PortalSubject[] = Object.entries(PECULIAR).map(([family, peculiar]) => {
  const plugin = builtInFamilies().get(family);
  const startFake = FAKE_PORTALS[family];
  if (!plugin || !startFake) throw new Error(`${family} is described, and has no plugin or no fake portal`);
  return { family, plugin, startFake, ...peculiar };
});

/** Families that are not described: each is a skeleton with a suite of its own, `portal-<family>.test.ts`. */
export const SKELETONS: readonly string[] = [...builtInFamilies().keys()].filter((family) => !(family in PECULIAR));
