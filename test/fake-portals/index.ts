import type { PortalFile } from "../fixtures/portal-file.ts";
import { startBina } from "./bina.ts";
import { startCerberus } from "./cerberus.ts";
import { startCityMarketShops } from "./city-market-shops.ts";
import type { FakePortal } from "./fake-portal.ts";
import { startHaziHinam } from "./hazi-hinam.ts";
import { startLaibcatalog } from "./laibcatalog.ts";
import { startMatrix } from "./matrix.ts";
import { startMeshnatYosef } from "./meshnat-yosef-worker.ts";
import { startNetivHesed } from "./netiv-hesed.ts";
import { startPublishprice } from "./publishprice.ts";
import { startShufersal } from "./shufersal.ts";
import { startSuperPharm } from "./super-pharm.ts";
import { startWolt } from "./wolt.ts";

/** Starts a fake portal without quirks; the chain is one that uses the family. */
export type StartPortal = (files: readonly PortalFile[]) => Promise<FakePortal>;

/** Every portal family by its name in the registry: what a suite over all families runs on. */
export const FAKE_PORTALS: Readonly<Record<string, StartPortal>> = {
  bina: (files) => startBina(files),
  cerberus: (files) => startCerberus(files),
  "city-market-shops": (files) => startCityMarketShops(files),
  "hazi-hinam": (files) => startHaziHinam(files),
  laibcatalog: (files) => startLaibcatalog(files),
  matrix: (files) => startMatrix(files),
  "meshnat-yosef-worker": (files) => startMeshnatYosef(files),
  "netiv-hesed": (files) => startNetivHesed(files),
  publishprice: (files) => startPublishprice(files),
  shufersal: (files) => startShufersal(files),
  "super-pharm": (files) => startSuperPharm(files),
  wolt: (files) => startWolt(files),
};
