import type { PortalFile } from "../fixtures/portal-file.ts";
import { startBina } from "./bina.ts";
import { type CerberusAccount, startCerberus } from "./cerberus.ts";
import { startCityMarketShops } from "./city-market-shops.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { startHaziHinam } from "./hazi-hinam.ts";
import { startLaibcatalog } from "./laibcatalog.ts";
import { startMatrix } from "./matrix.ts";
import { startMeshnatYosef } from "./meshnat-yosef-worker.ts";
import { startNetivHesed } from "./netiv-hesed.ts";
import { startPublishprice } from "./publishprice.ts";
import { startShufersal } from "./shufersal.ts";
import { startSuperPharm } from "./super-pharm.ts";
import { startWolt } from "./wolt.ts";

/** What a portal is started for, where its own choice will not do. */
export interface StartOptions {
  /** The portal's clock, in milliseconds, where links expire. */
  now?: () => number;
  /** The chain that it stands for. @default one that uses the family */
  chain?: PortalChain;
  /** The account of that chain, at a portal with accounts. */
  account?: Pick<CerberusAccount, "username" | "password" | "path">;
}

/** Starts a fake portal without quirks. */
export type StartPortal = (files: readonly PortalFile[], options?: StartOptions) => Promise<FakePortal>;

/** Every portal family by its name in the registry: what a suite over all families runs on. */
export const FAKE_PORTALS: Readonly<Record<string, StartPortal>> = {
  bina: (files, options) => startBina(files, options),
  cerberus: (files, { chain, account = { username: "sample" } } = {}) =>
    startCerberus(files, chain ? { accounts: [{ chain, ...account }] } : {}),
  "city-market-shops": (files, options) => startCityMarketShops(files, options),
  "hazi-hinam": (files, options) => startHaziHinam(files, options),
  laibcatalog: (files, options) => startLaibcatalog(files, options),
  matrix: (files, options) => startMatrix(files, options),
  "meshnat-yosef-worker": (files, options) => startMeshnatYosef(files, options),
  "netiv-hesed": (files, options) => startNetivHesed(files, options),
  publishprice: (files, options) => startPublishprice(files, options),
  shufersal: (files, options) => startShufersal(files, options),
  "super-pharm": (files, options) => startSuperPharm(files, options),
  wolt: (files, options) => startWolt(files, options),
};
