import { daysBefore, israelDay } from "../../shared/israel-time.ts";
import { type FileNameOptions, publishedName, type PublishedType } from "../fixtures/file-names.ts";
import type { PortalFile } from "../fixtures/portal-file.ts";

/** How names look at a portal, where not `<type><chain id>-<store>-<yyyymmddhhmm>.gz`. */
export type NameForm = Pick<FileNameOptions, "extension" | "sequence" | "subChainId">;

/** Stores of the sample chain: three pages of twenty for every type that each of them publishes. */
export const STORE_COUNT = 45;

/** What a portal publishes in these tests, as names of the chain. */
export interface SampleFiles {
  /** Of today and yesterday: what a plain listing finds. */
  current: PortalFile[];
  /** Of three days ago; listed, but only asked for by `--since`. */
  older: PortalFile;
  /** Still listed today under a name of years ago. */
  leftover: PortalFile;
  all: PortalFile[];
}

/** `today` is the Israel day of `now`: written down where a test is about days, so that crawler and test cannot be wrong together. */
export function sampleFiles(chainId: string, form: NameForm, now: Date, today = israelDay(now)): SampleFiles {
  const named = (type: PublishedType, store: number | null, ageDays = 0, time = "03:10"): PortalFile => {
    const storeId = store === null ? "000" : String(store).padStart(3, "0");
    const day = daysBefore(today, ageDays);
    const clock = form.subChainId === undefined ? time : `${time}:25`;
    const name = publishedName({ type, chainId, storeId, day, time: clock, ...form });
    // Different sizes: a listing that mixes up two files is noticed by the bytes.
    const content = Buffer.from(`invented ${name} `.repeat(1 + ((store ?? 0) % 7)));
    return { name, content, publishedAt: new Date(now.getTime() - ageDays * 86_400_000) };
  };
  const stores = Array.from({ length: STORE_COUNT }, (_, index) => index + 1);
  const current = [
    ...stores.flatMap((store) => [named("PriceFull", store), named("PriceFull", store, 1), named("PromoFull", store)]),
    ...stores.slice(0, 5).flatMap((store) => [named("Price", store, 0, "09:30"), named("Promo", store, 0, "09:30")]),
    named("Stores", null),
  ];
  const older = named("PriceFull", 1, 3);
  const leftover = { ...named("PriceFull", 2, 3000), publishedAt: now };
  return { current, older, leftover, all: [leftover, ...current, older] };
}
