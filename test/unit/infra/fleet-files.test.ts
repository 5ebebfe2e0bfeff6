import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { SETTINGS } from "../../../shared/config.ts";
import { GROUP_OF_TOPIC, GROUPS, TOPICS } from "../../../shared/contracts/topics.ts";

const ROOT = join(import.meta.dirname, "../../..");
const STAGE_COMMANDS: Record<string, string> = {
  crawler: "crawl",
  downloader: "download",
  parser: "parse",
  writer: "write",
};

interface Service {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
}
interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: {
    minReplicaCount?: number;
    scaleTargetRef?: { name: string };
    triggers?: { metadata: { topic: string; consumerGroup: string; bootstrapServers: string } }[];
    template?: { spec: { containers: { args: string[]; ports?: { containerPort: number }[] }[] } };
  };
}

const compose = parse(readFileSync(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true }) as {
  services: Record<string, Service>;
};
const manifests = readdirSync(join(ROOT, "infra/k8s"))
  .filter((name) => name !== "kustomization.yaml")
  .flatMap((name) => parseAllDocuments(readFileSync(join(ROOT, "infra/k8s", name), "utf8")))
  .map((document) => document.toJS() as Manifest);
const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);

describe("docker-compose.yml", () => {
  test("has every stage under its command, and the one-shot services", () => {
    const commands = Object.fromEntries(
      Object.entries(compose.services).map(([name, service]) => [name, service.command]),
    );
    for (const [stage, command] of Object.entries(STAGE_COMMANDS)) expect(commands[stage]).toEqual([command]);
    expect(commands["migrate"]).toEqual(["migrate"]);
    expect(commands["topics"]).toEqual(["topics", "create"]);
  });

  test("sets only settings that exist", () => {
    const known = new Set([...Object.keys(SETTINGS), "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    for (const stage of Object.keys(STAGE_COMMANDS)) {
      const names = Object.keys(compose.services[stage]?.environment ?? {});
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name) => !known.has(name))).toEqual([]);
    }
  });

  test("publishes ports on the loopback address only and keeps no password of its own", () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
    const secrets = Object.values(compose.services).flatMap((service) =>
      Object.entries(service.environment ?? {}).filter(([name]) => /PASSWORD|SECRET/.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(0);
    expect(secrets.filter(([, value]) => !/^\$\{[A-Z_]+:\?/.test(value))).toEqual([]);
  });

  test("pins every image", () => {
    const images = Object.values(compose.services).map((service) => service.image ?? "");
    expect(images.filter((image) => !/:[^/]+$/.test(image) || image.endsWith(":latest"))).toEqual([]);
  });

  test("the stages probe the port on which the code serves", () => {
    for (const stage of Object.keys(STAGE_COMMANDS)) {
      const service = compose.services[stage];
      expect(service?.healthcheck?.test?.join(" ")).toContain(`:${service?.environment?.["GOGOBE_HTTP_PORT"]}/readyz`);
    }
  });
});

describe("infra/k8s", () => {
  test("has a Deployment per stage with its command", () => {
    const commands = ofKind("Deployment").map((m) => [m.metadata.name, m.spec.template?.spec.containers[0]?.args]);
    expect(commands).toEqual(Object.entries(STAGE_COMMANDS).map(([stage, command]) => [`gogobe-${stage}`, [command]]));
  });

  test("scales every consumer group from zero on the lag of all its topics", () => {
    const scaled = ofKind("ScaledObject").flatMap((m) => {
      expect(m.spec.minReplicaCount).toBe(0);
      return (m.spec.triggers ?? []).map((trigger) => ({
        target: m.spec.scaleTargetRef?.name,
        topic: trigger.metadata.topic,
        group: trigger.metadata.consumerGroup,
      }));
    });
    const expected = Object.values(TOPICS).map((topic) => ({
      target: `gogobe-${GROUP_OF_TOPIC[topic]}`,
      topic,
      group: GROUP_OF_TOPIC[topic],
    }));
    const byTopic = (a: { topic: string }, b: { topic: string }) => a.topic.localeCompare(b.topic);
    expect(scaled.sort(byTopic)).toEqual(expected.sort(byTopic));
    expect(Object.values(GROUPS).every((group) => Object.hasOwn(STAGE_COMMANDS, group))).toBe(true);
  });

  test("the scalers watch the brokers that the stages use", () => {
    const brokers = ofKind("ConfigMap")[0]?.data?.["KAFKA_BROKERS"];
    const watched = ofKind("ScaledObject").flatMap((m) =>
      (m.spec.triggers ?? []).map((t) => t.metadata.bootstrapServers),
    );
    expect(new Set(watched)).toEqual(new Set([brokers]));
  });

  test("sets only settings that exist, and serves on the port that is probed", () => {
    const data = ofKind("ConfigMap")[0]?.data ?? {};
    expect(Object.keys(data).filter((name) => !(name in SETTINGS))).toEqual([]);
    for (const deployment of ofKind("Deployment")) {
      const port = deployment.spec.template?.spec.containers[0]?.ports?.[0]?.containerPort;
      expect(String(port)).toBe(data["GOGOBE_HTTP_PORT"]);
    }
  });
});
