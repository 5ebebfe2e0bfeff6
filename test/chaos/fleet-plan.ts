import { createRandom } from "../fixtures/random.ts";

/** What happens to the fleet, in this order, at these distances in milliseconds. */
export type Blow = { waitMs: number } & (
  | { kind: "kill"; nth: number }
  | { kind: "freeze"; nth: number; forMs: number }
  | { kind: "broker"; hard: boolean }
  | { kind: "s3"; forMs: number }
  | { kind: "database" }
);

/** How much of it. */
export interface ChaosSize {
  files: number;
  kills: number;
  freezes: number;
  brokerRestarts: number;
  s3Stops: number;
  s3StopSeconds: number;
  databaseRestarts: number;
}

const SHORT: ChaosSize = {
  files: 60,
  kills: 8,
  freezes: 1,
  brokerRestarts: 1,
  s3Stops: 1,
  s3StopSeconds: 5,
  databaseRestarts: 1,
};
const LONG: ChaosSize = {
  files: 300,
  kills: 30,
  freezes: 4,
  brokerRestarts: 2,
  s3Stops: 2,
  s3StopSeconds: 10,
  databaseRestarts: 1,
};

/** GOGOBE_CHAOS=long takes the long one; GOGOBE_CHAOS_FILES, _KILLS and so on override single numbers. */
export function chaosSize(env: NodeJS.ProcessEnv): ChaosSize {
  const base = env["GOGOBE_CHAOS"] === "long" ? LONG : SHORT;
  const set = (name: string, fallback: number) => Number(env[`GOGOBE_CHAOS_${name}`] ?? fallback);
  return {
    files: set("FILES", base.files),
    kills: set("KILLS", base.kills),
    freezes: set("FREEZES", base.freezes),
    brokerRestarts: set("BROKER_RESTARTS", base.brokerRestarts),
    s3Stops: set("S3_STOPS", base.s3Stops),
    s3StopSeconds: set("S3_STOP_SECONDS", base.s3StopSeconds),
    databaseRestarts: set("DATABASE_RESTARTS", base.databaseRestarts),
  };
}

const LONGEST_WAIT_MS = 2_000;
/** Longer than the session of a consumer: its partitions are given to others meanwhile. */
const FREEZE_MS = [7_000, 12_000] as const;
const ANY = 1_000;

/** The same seed gives the same plan. Every other broker restart, the first one on, is a power cut. */
export function planChaos(seed: string, size: ChaosSize): Blow[] {
  const random = createRandom(`fleet/${seed}`);
  const waitMs = () => random.int(0, LONGEST_WAIT_MS);
  const times = (count: number, blow: (index: number) => Blow) => Array.from({ length: count }, (_, i) => blow(i));
  const blows: Blow[] = [
    ...times(size.kills, () => ({ kind: "kill", nth: random.int(0, ANY), waitMs: waitMs() })),
    ...times(size.freezes, () => ({
      kind: "freeze",
      nth: random.int(0, ANY),
      forMs: random.int(...FREEZE_MS),
      waitMs: waitMs(),
    })),
    ...times(size.brokerRestarts, (index) => ({ kind: "broker", hard: index % 2 === 0, waitMs: waitMs() })),
    ...times(size.s3Stops, () => ({ kind: "s3", forMs: size.s3StopSeconds * 1_000, waitMs: waitMs() })),
    ...times(size.databaseRestarts, () => ({ kind: "database", waitMs: waitMs() })),
  ];
  return blows
    .map((blow) => ({ blow, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ blow }) => blow);
}
