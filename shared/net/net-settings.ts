/** Every time and limit of the network layer, in milliseconds unless the name says otherwise. Tests shorten them. */
export interface NetSettings {
  connectTimeoutMs: number;
  /** Until the first byte of an answer: Shufersal's listing needs most of a minute on a bad day. */
  responseTimeoutMs: number;
  /** A host must send at least `leastBytes` in any such time: below it is silence, or drip. */
  idleTimeoutMs: number;
  leastBytes: number;
  /** One whole listing page; one whole file. A portal that drips a byte a minute must end too. */
  listingTimeoutMs: number;
  fileTimeoutMs: number;
  /** Tries inside one call, the first included. The bus tries a file again after that. */
  listingAttempts: number;
  fileAttempts: number;
  retryInitialMs: number;
  retryMaxMs: number;
  /** Failures in a row that open a host's circuit, and how long it stays open. */
  circuitFailures: number;
  circuitOpenMs: number;
  /** Longest wait for a free slot of a host. */
  slotWaitMs: number;
  /** Longest wait of a file for a host that asks for patience; beyond it the bus keeps the message and another file has its turn. */
  fileWaitMs: number;
  /** One page, or one FTP directory, expanded. The largest listings known have half a megabyte. */
  listingMaxBytes: number;
}

export const NET_DEFAULTS: NetSettings = {
  connectTimeoutMs: 15_000,
  responseTimeoutMs: 60_000,
  idleTimeoutMs: 30_000,
  leastBytes: 1024,
  listingTimeoutMs: 300_000,
  fileTimeoutMs: 1_800_000,
  listingAttempts: 4,
  fileAttempts: 2,
  retryInitialMs: 1_000,
  retryMaxMs: 60_000,
  circuitFailures: 8,
  circuitOpenMs: 30_000,
  slotWaitMs: 600_000,
  fileWaitMs: 2_000,
  listingMaxBytes: 8 * 1024 * 1024,
};

/**
 * The patience of one setting (`GOGOBE_PORTAL_SECONDS`): for an answer to begin; half of it for silence in the middle, and no more than a
 * quarter for a connection.
 */
export function patienceOf(
  seconds: number,
): Pick<NetSettings, "connectTimeoutMs" | "responseTimeoutMs" | "idleTimeoutMs"> {
  return { connectTimeoutMs: seconds * 250, responseTimeoutMs: seconds * 1000, idleTimeoutMs: seconds * 500 };
}

/** Tells portals who asks: openly, and why. */
export const USER_AGENT = "gogobe/0.1 (collects price files published under the Israeli price transparency law)";
