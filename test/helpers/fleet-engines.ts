import { randomUUID } from "node:crypto";
import { DeleteBucketCommand, DeleteObjectsCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import pg from "pg";
import { loadKafkaClient, type RawAdmin } from "../../shared/bus/kafka-loader.ts";
import { deadLetterTopicOf, TOPICS } from "../../shared/contracts/topics.ts";
import { withDatabase } from "./database-setup.ts";

/** Addresses of the engines that infra/native/up started; credentials of the S3 server are in the environment. */
export interface FleetEngines {
  brokers: string;
  s3Endpoint: string;
  databaseUrl: string;
}

/** A part of the engines that nobody else uses: a database, a bucket, a topic prefix. */
export interface FleetSpace {
  /** The settings that lead a process there. */
  env: Record<string, string>;
  /** Drops all of it, whoever is still connected. */
  remove(): Promise<void>;
}

/** True when the suite is to run on the fleet. */
export function fleetIsAsked(): boolean {
  return process.env["GOGOBE_TEST_FLEET"] === "1";
}

/** The engines that the environment names, or null. */
export function findFleetEngines(): FleetEngines | null {
  const brokers = process.env["GOGOBE_TEST_KAFKA_BROKERS"];
  const [s3Endpoint] = (process.env["GOGOBE_TEST_S3_ENDPOINTS"] ?? "").split(",");
  const databaseUrl = process.env["GOGOBE_TEST_DATABASE_URL"];
  return brokers && s3Endpoint && databaseUrl ? { brokers, s3Endpoint, databaseUrl } : null;
}

/** For the title of what is skipped where no engines are named. */
export const NO_ENGINES = "skipped: no engines; infra/native/up starts them, infra/native/test tells the tests";

export async function createFleetSpace(engines: FleetEngines): Promise<FleetSpace> {
  const name = `fleet_${randomUUID().replaceAll("-", "")}`;
  const bucket = name.replaceAll("_", "-");
  await onServer(engines.databaseUrl, `CREATE DATABASE ${name}`);
  return {
    env: {
      DATABASE_URL: withDatabase(engines.databaseUrl, name),
      KAFKA_BROKERS: engines.brokers,
      KAFKA_PREFIX: `${name}.`,
      KAFKA_PARTITIONS: "4",
      S3_ENDPOINT: engines.s3Endpoint,
      S3_BUCKET: bucket,
    },
    remove: async () => {
      await deleteTopics(engines.brokers, `${name}.`);
      await deleteBucket(engines.s3Endpoint, bucket);
      await onServer(engines.databaseUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(url, "postgres") });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function deleteTopics(brokers: string, prefix: string): Promise<void> {
  const topics = Object.values(TOPICS).flatMap((topic) => [
    `${prefix}${topic}`,
    `${prefix}${deadLetterTopicOf(topic)}`,
  ]);
  const { KafkaJS } = await loadKafkaClient();
  const admin = new KafkaJS.Kafka({ "bootstrap.servers": brokers, log_level: 0 }).admin() as DeletingAdmin;
  await admin.connect();
  try {
    const present = new Set(await admin.listTopics({ timeout: 10_000 }));
    const left = topics.filter((topic) => present.has(topic));
    if (left.length > 0) await admin.deleteTopics({ topics: left, timeout: 10_000 });
  } finally {
    await admin.disconnect();
  }
}

/** Deleting is nothing that gogobe does, so its own types do not have it. */
interface DeletingAdmin extends RawAdmin {
  deleteTopics(options: { topics: string[]; timeout: number }): Promise<void>;
}

async function deleteBucket(endpoint: string, bucket: string): Promise<void> {
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
  try {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      const Objects = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
      if (Objects.length > 0) await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    }
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!(error instanceof Error && error.name === "NoSuchBucket")) throw error;
  } finally {
    client.destroy();
  }
}
