import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "./errors.ts";

type Kind = "text" | "secret" | "count" | "bytes" | "seconds" | "flag" | "list";

interface Field {
  kind: Kind;
  fallback: string | null;
  about: string;
  /** Words that are allowed, where only some are. */
  oneOf?: readonly string[];
}

const field = (kind: Kind, fallback: string | null, about: string, oneOf?: readonly string[]): Field =>
  oneOf ? { kind, fallback, about, oneOf } : { kind, fallback, about };

/**
 * Every setting: kind, default and meaning, one line each. The environment wins over the file (`GOGOBE_CONFIG`, JSON with the same
 * names), the file over the default. `gogobe doctor` prints this table with the values in force.
 */
export const SETTINGS = {
  GOGOBE_HOME: field("text", "./.gogobe", "where the embedded database, objects and cache live"),
  GOGOBE_CHAINS_FILE: field("text", null, "JSON merged over the chain registry"),
  GOGOBE_LOG_LEVEL: field("text", "info", "how much is logged", [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "fatal",
    "silent",
  ]),
  GOGOBE_HTTP_PORT: field(
    "count",
    null,
    "port of /metrics, /healthz and /readyz of a service; 0 picks one; unset: none",
  ),
  GOGOBE_HTTP_HOST: field("text", "127.0.0.1", "address that port listens on"),
  GOGOBE_CACHE_DIR: field("text", null, "local copies of downloaded files; default: cache below GOGOBE_HOME"),
  GOGOBE_CACHE_MAX_BYTES: field("bytes", "2GB", "the cache drops its oldest files above this"),
  GOGOBE_MAX_FILE_BYTES: field("bytes", "512MB", "largest file that is downloaded"),
  GOGOBE_MAX_EXPANDED_BYTES: field("bytes", "1.5GB", "largest file after decompression"),
  GOGOBE_MIN_FREE_BYTES: field(
    "bytes",
    "256MB",
    "a local store refuses to write when the disk would have less than this left",
  ),
  GOGOBE_CRAWL_CONCURRENCY: field("count", "5", "chains listed at once"),
  GOGOBE_LISTING_SECONDS: field("seconds", "900", "a listing of one chain that takes longer is given up"),
  GOGOBE_PORTAL_SECONDS: field(
    "seconds",
    "60",
    "a portal that does not begin to answer in this time is given up, and one that then falls silent after half of it",
  ),
  GOGOBE_DOWNLOAD_CONCURRENCY: field("count", "8", "files downloaded at once by one process"),
  GOGOBE_PARSE_CONCURRENCY: field("count", "1", "files parsed at once by one process"),
  GOGOBE_WRITE_FLUSH_BATCHES: field("count", "40", "batches of up to 500 rows per transaction of the writer"),
  GOGOBE_REFRESH_SECONDS: field("seconds", "60", "least time between two refreshes of the materialized views"),
  GOGOBE_RETRY_ATTEMPTS: field("count", "5", "tries of a message before it goes to the dead-letter topic"),
  GOGOBE_SWEEP_SECONDS: field("seconds", "900", "a file that stays in one state this long is published again"),
  DATABASE_URL: field("secret", null, "PostgreSQL 15 or newer; unset: the embedded server"),
  KAFKA_BROKERS: field("list", null, "host:port, comma separated; unset: the queue on the embedded database"),
  KAFKA_SASL_MECHANISM: field("text", null, "how to log in to Kafka", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
  KAFKA_USERNAME: field("text", null, "Kafka user"),
  KAFKA_PASSWORD: field("secret", null, "Kafka password"),
  KAFKA_TLS: field("flag", "false", "talk to Kafka over TLS"),
  KAFKA_CA_FILE: field("text", null, "PEM file of the authority that signed the brokers' certificates"),
  KAFKA_PREFIX: field("text", "", "put before the name of every topic and group: several gogobes on one cluster"),
  KAFKA_PARTITIONS: field("count", "12", "partitions of a topic that gogobe creates"),
  KAFKA_REPLICATION: field("count", "1", "replicas of a topic that gogobe creates"),
  KAFKA_MIN_INSYNC_REPLICAS: field("count", "1", "replicas that must hold a message before it counts as published"),
  S3_ENDPOINT: field("text", null, "address of an S3 server; unset with S3_BUCKET set: AWS"),
  S3_BUCKET: field("text", "gogobe-raw", "bucket of the downloaded files"),
  S3_REGION: field("text", "us-east-1", "region of the bucket"),
  S3_PATH_STYLE: field("flag", "true", "bucket in the path, not in the host name (MinIO and most servers besides AWS)"),
} satisfies Record<string, Field>;

export type SettingName = keyof typeof SETTINGS;

/** Validated configuration. Which bus, store and database are used follows from it alone. */
export interface Config {
  home: string;
  chainsFile: string | null;
  /** `GOGOBE_CHAIN_<KEY>_USERNAME` and its like as they are set: accounts and proxies of single chains. */
  chainVariables: Readonly<Record<string, string>>;
  logLevel: string;
  http: { port: number | null; host: string };
  cacheDir: string;
  cacheMaxBytes: number;
  maxFileBytes: number;
  maxExpandedBytes: number;
  minFreeBytes: number;
  crawlConcurrency: number;
  listingSeconds: number;
  portalSeconds: number;
  downloadConcurrency: number;
  parseConcurrency: number;
  writeFlushBatches: number;
  refreshSeconds: number;
  retryAttempts: number;
  sweepSeconds: number;
  databaseUrl: string | null;
  kafka: KafkaSettings | null;
  s3: { endpoint: string | null; region: string; pathStyle: boolean } | null;
  bucket: string;
}

export interface KafkaSettings {
  brokers: string[];
  sasl: { mechanism: string; username: string; password: string } | null;
  tls: boolean;
  caFile: string | null;
  /** Before every topic and group on the brokers; commands and messages name them without it. */
  prefix: string;
  partitions: number;
  replication: number;
  minInsyncReplicas: number;
}

type Environment = Record<string, string | undefined>;

/**
 * Reads and validates every setting.
 * @throws {UsageError} that lists every wrong setting at once, with what is allowed
 */
export function loadConfig(environment: Environment = process.env): Config {
  const file = readConfigFile(environment["GOGOBE_CONFIG"]);
  const problems: string[] = [];
  const raw = (name: SettingName): string | null => {
    const text = environment[name] ?? file[name] ?? SETTINGS[name].fallback;
    return text === null || text.trim() === "" ? null : text.trim();
  };
  const read = <T>(name: SettingName, parse: (text: string) => T | null, expected: string): T | null => {
    const text = raw(name);
    if (text === null) return null;
    const value = parse(text);
    if (value === null) problems.push(`${name}="${SETTINGS[name].kind === "secret" ? "…" : text}" is not ${expected}`);
    return value;
  };
  const text = (name: SettingName): string | null => {
    const allowed: readonly string[] | undefined =
      "oneOf" in SETTINGS[name] ? (SETTINGS[name] as Field).oneOf : undefined;
    return read(name, (t) => (!allowed || allowed.includes(t) ? t : null), `one of ${allowed?.join(", ")}`);
  };
  const count = (name: SettingName) => read(name, parseCount, "a whole number");
  const bytes = (name: SettingName) => read(name, parseBytes, "a size such as 512MB") ?? 0;
  const flag = (name: SettingName) => read(name, parseFlag, "true or false") ?? false;
  const required = (name: SettingName, least = 1): number => {
    const value = count(name) ?? least;
    if (value < least) problems.push(`${name}="${value}" is less than ${least}`);
    return value;
  };

  const home = resolve(text("GOGOBE_HOME") ?? ".gogobe");
  const brokers = raw("KAFKA_BROKERS");
  const config: Config = {
    home,
    chainsFile: text("GOGOBE_CHAINS_FILE"),
    chainVariables: readChainVariables({ ...file, ...environment }),
    logLevel: text("GOGOBE_LOG_LEVEL") ?? "info",
    http: { port: count("GOGOBE_HTTP_PORT"), host: text("GOGOBE_HTTP_HOST") ?? "127.0.0.1" },
    cacheDir: resolve(text("GOGOBE_CACHE_DIR") ?? join(home, "cache")),
    cacheMaxBytes: bytes("GOGOBE_CACHE_MAX_BYTES"),
    maxFileBytes: bytes("GOGOBE_MAX_FILE_BYTES"),
    maxExpandedBytes: bytes("GOGOBE_MAX_EXPANDED_BYTES"),
    minFreeBytes: bytes("GOGOBE_MIN_FREE_BYTES"),
    crawlConcurrency: required("GOGOBE_CRAWL_CONCURRENCY"),
    listingSeconds: required("GOGOBE_LISTING_SECONDS"),
    portalSeconds: required("GOGOBE_PORTAL_SECONDS"),
    downloadConcurrency: required("GOGOBE_DOWNLOAD_CONCURRENCY"),
    parseConcurrency: required("GOGOBE_PARSE_CONCURRENCY"),
    writeFlushBatches: required("GOGOBE_WRITE_FLUSH_BATCHES"),
    refreshSeconds: required("GOGOBE_REFRESH_SECONDS", 0),
    retryAttempts: required("GOGOBE_RETRY_ATTEMPTS"),
    sweepSeconds: required("GOGOBE_SWEEP_SECONDS"),
    databaseUrl: read("DATABASE_URL", (t) => (/^postgres(ql)?:\/\//.test(t) ? t : null), "a postgresql:// address"),
    kafka: brokers === null ? null : readKafka(brokers, { text, raw, flag, required, problems }),
    s3:
      isSet("S3_ENDPOINT") || isSet("S3_BUCKET")
        ? { endpoint: readEndpoint(), region: text("S3_REGION") ?? "us-east-1", pathStyle: flag("S3_PATH_STYLE") }
        : null,
    bucket:
      read("S3_BUCKET", (t) => (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(t) ? t : null), "a bucket name") ??
      "gogobe-raw",
  };
  if (problems.length > 0) {
    throw new UsageError(`configuration is wrong: ${problems.join("; ")}`, {
      hint: "gogobe doctor explains every setting",
    });
  }
  return config;

  function isSet(name: SettingName): boolean {
    return (environment[name] ?? file[name] ?? "").trim() !== "";
  }
  function readEndpoint(): string | null {
    return read("S3_ENDPOINT", (t) => (/^https?:\/\//.test(t) && URL.canParse(t) ? t : null), "an http(s) address");
  }
}

interface Readers {
  text(name: SettingName): string | null;
  raw(name: SettingName): string | null;
  flag(name: SettingName): boolean;
  required(name: SettingName, least?: number): number;
  problems: string[];
}

function readKafka(brokers: string, { text, raw, flag, required, problems }: Readers): KafkaSettings {
  const list = brokers.split(",").map((broker) => broker.trim());
  for (const broker of list)
    if (!/^[^\s:]+:\d+$/.test(broker)) problems.push(`KAFKA_BROKERS: "${broker}" is not host:port`);
  const mechanism = text("KAFKA_SASL_MECHANISM");
  const username = text("KAFKA_USERNAME");
  const password = raw("KAFKA_PASSWORD");
  if (mechanism !== null && (username === null || password === null)) {
    problems.push("KAFKA_SASL_MECHANISM is set but KAFKA_USERNAME or KAFKA_PASSWORD is not");
  }
  const prefix = text("KAFKA_PREFIX") ?? "";
  if (!/^[A-Za-z0-9._-]{0,100}$/.test(prefix)) {
    problems.push(`KAFKA_PREFIX="${prefix}" has other characters than letters, digits, ".", "_" and "-"`);
  }
  return {
    brokers: list,
    sasl: mechanism !== null && username !== null && password !== null ? { mechanism, username, password } : null,
    tls: flag("KAFKA_TLS"),
    caFile: text("KAFKA_CA_FILE"),
    prefix,
    partitions: required("KAFKA_PARTITIONS"),
    replication: required("KAFKA_REPLICATION"),
    minInsyncReplicas: required("KAFKA_MIN_INSYNC_REPLICAS"),
  };
}

/** Settings of a single chain: there is one set per chain, so they are no lines of the table. */
export const CHAIN_VARIABLE = /^GOGOBE_CHAIN_[A-Z0-9_]+$/;

function readChainVariables(environment: Environment): Record<string, string> {
  const set = Object.entries(environment).map(([name, value]) => [name, value?.trim() ?? ""] as const);
  return Object.fromEntries(set.filter(([name, value]) => CHAIN_VARIABLE.test(name) && value !== ""));
}

function readConfigFile(path: string | undefined): Environment {
  if (path === undefined || path === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError(`GOGOBE_CONFIG: ${path} cannot be read as JSON: ${String(cause)}`, { cause });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`GOGOBE_CONFIG: ${path} must hold one JSON object of settings`);
  }
  const settings: Environment = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (!(name in SETTINGS) && !CHAIN_VARIABLE.test(name))
      throw new UsageError(`GOGOBE_CONFIG: ${path} has an unknown setting "${name}"`, {
        hint: "gogobe doctor lists them all",
      });
    settings[name] = String(value);
  }
  return settings;
}

function parseCount(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/** `512MB`, `1.5GB`, `1048576`: decimal units. */
export function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?$/i.exec(text.trim());
  if (!match?.[1]) return null;
  const power = ["B", "KB", "MB", "GB", "TB"].indexOf((match[2] ?? "B").toUpperCase());
  return Math.round(Number(match[1]) * 1000 ** power);
}

function parseFlag(text: string): boolean | null {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  return /^(false|0|no|off)$/i.test(text) ? false : null;
}
