import type { ListingState } from "../../crawlers/listing-health.ts";
import type { PortalFamily } from "../../shared/contracts/portal-family.ts";
import type { FakePortal } from "../fake-portals/fake-portal.ts";
import type { StartPortal } from "../fake-portals/index.ts";
import type { NameForm } from "./portal-files.ts";
import type { NotApplicable, PortalReport } from "./portal-report.ts";

/** A way in which a link that was listed stops working before it is used. */
export interface Expiry {
  /** Reads on after "a link is renewed after". */
  after: string;
  /** `listing`: before the download begins; `resolving`: between the two steps of a link. */
  when: "listing" | "resolving";
  /** Moves the clock that portal and crawler share, or tells the portal to refuse what it gave out. */
  happen(portal: FakePortal, clock: TestClock): void;
}

/** How a portal cuts its listing. */
export interface Paging {
  /** Reads on after "reads on over", for example "pages of 20 rows". */
  over: string;
  /** How many requests the sample (131 files, 45 stores, two days) takes at least. */
  requests: number;
  /** Takes the pager out of a page: pagers vanish, and the listing must be read on all the same. */
  withoutPager?(body: string): string;
}

/** A change of the portal's layout. */
export interface Drift {
  /** Reads on after "notices". */
  change: string;
  rewrite(body: string): string;
  /** What the error must name: the selector or key that is missing. */
  names: RegExp;
  /** Requests that are rewritten. @default all */
  on?: RegExp;
  /** `resolve`: the listing is read as it is, and the link cannot be resolved. @default "listing" */
  step?: "listing" | "resolve";
}

export interface TestClock {
  now(): number;
  advance(milliseconds: number): void;
}

/** One portal family and what is peculiar to its portal. */
export interface PortalSubject {
  /** As the registry names it. */
  family: string;
  plugin: PortalFamily;
  /** Starts the fake portal; `options.now` is its clock. */
  startFake: StartPortal;
  /** Every behaviour must be described or explained away (`full`); what is not described stays open and is skipped (`skeleton`). @default "full" */
  mode?: "full" | "skeleton";
  /** How names look there. @default {} */
  names?: NameForm;
  /** How a listing is cut into several requests, or why it never is. */
  paging?: Paging | NotApplicable;
  expiry?: readonly Expiry[] | NotApplicable;
  drift?: readonly Drift[];
  /** State of a portal without any file, at an hour when files are expected. @default "empty-suspicious" */
  emptyState?: ListingState;
  /** Where what passes is noted, for the table of the documentation. */
  report?: PortalReport;
}
