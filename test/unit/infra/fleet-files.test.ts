import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { SETTINGS } from "../../../shared/config.ts";
import { GROUP_OF_TOPIC, GROUPS, TOPICS } from "../../../shared/contracts/topics.ts";
import { DEADLINE_MS } from "../../../shared/shutdown.ts";

const ROOT = join(import.meta.dirname, "../../..");
const STAGE_COMMANDS: Record<string, string> = {
  crawler: "crawl",
  downloader: "download",
  parser: "parse",
  writer: "write",
};

interface Service {
  image?: string;
  container_name?: string;
  depends_on?: Record<string, { condition: string }>;
  volumes?: string[];
  stop_grace_period?: string;
  read_only?: boolean;
  cap_drop?: string[];
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
}
interface Container {
  args: string[];
  ports?: { containerPort: number }[];
  startupProbe?: object;
  livenessProbe?: object;
  readinessProbe?: object;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: { readOnlyRootFilesystem?: boolean; allowPrivilegeEscalation?: boolean };
}
interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: {
    minReplicaCount?: number;
    maxReplicaCount?: number;
    scaleTargetRef?: { name: string };
    triggers?: { metadata: { topic: string; consumerGroup: string; bootstrapServers: string } }[];
    template?: {
      spec: {
        containers: Container[];
        terminationGracePeriodSeconds?: number;
        securityContext?: { runAsNonRoot?: boolean };
      };
    };
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

const dockerfile = readFileSync(join(ROOT, "infra/docker/Dockerfile"), "utf8");
const defaultOf = (setting: keyof typeof SETTINGS) => SETTINGS[setting].fallback;

describe("docker-compose.yml", () => {
  test("has Kafka without ZooKeeper, its UI, an S3 server and PostgreSQL, each with a health check and its data in a volume", () => {
    const { kafka, minio, postgres, "kafka-ui": ui } = compose.services;
    expect(kafka?.environment?.["KAFKA_PROCESS_ROLES"]).toBe("broker,controller");
    expect(Object.keys(compose.services).filter((name) => /zoo/i.test(name))).toEqual([]);
    expect(ui?.image).toMatch(/kafbat/);
    for (const engine of [kafka, minio, postgres]) expect(engine?.volumes?.length).toBe(1);
    for (const engine of [kafka, ui, minio, postgres]) expect(engine?.healthcheck?.test?.length).toBeGreaterThan(0);
  });

  test("can run every stage many times: none has a name or a port of its own on the host", () => {
    for (const stage of Object.keys(STAGE_COMMANDS)) {
      expect(compose.services[stage]).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
      expect(compose.services[stage]?.container_name).toBeUndefined();
      expect(compose.services[stage]?.ports).toBeUndefined();
    }
  });

  test("starts the stages once the schema and the topics are there", () => {
    for (const stage of Object.keys(STAGE_COMMANDS)) {
      const conditions = Object.entries(compose.services[stage]?.depends_on ?? {});
      const after = conditions.filter(([, { condition }]) => condition === "service_completed_successfully");
      expect(after.map(([name]) => name).sort()).toEqual(["migrate", "topics"]);
    }
  });

  test("leads the stages to the ports on which its engines listen", () => {
    const { kafka, minio, postgres, parser } = compose.services;
    const settings = parser?.environment ?? {};
    expect(settings["KAFKA_BROKERS"]).toBe(
      /INTERNAL:\/\/(kafka:\d+)/.exec(kafka?.environment?.["KAFKA_ADVERTISED_LISTENERS"] ?? "")?.[1],
    );
    expect(kafka?.environment?.["KAFKA_LISTENERS"]).toContain(
      `INTERNAL://:${settings["KAFKA_BROKERS"]?.split(":")[1]}`,
    );
    const inside = (service: Service | undefined) => service?.ports?.map((port) => port.split(":").at(-1));
    expect(inside(minio)).toContain(new URL(settings["S3_ENDPOINT"] ?? "").port);
    expect(inside(postgres)).toEqual([/@postgres:(\d+)\//.exec(settings["DATABASE_URL"] ?? "")?.[1]]);
    expect(settings["S3_BUCKET"]).toBe(defaultOf("S3_BUCKET"));
  });

  test("gives a stage longer to stop than it takes to drain", () => {
    for (const stage of Object.keys(STAGE_COMMANDS)) {
      expect(Number.parseInt(compose.services[stage]?.stop_grace_period ?? "", 10) * 1000).toBeGreaterThan(DEADLINE_MS);
    }
  });

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

describe("the image", () => {
  test("is built in two stages and does not run as root", () => {
    expect(dockerfile.match(/^FROM /gm)).toHaveLength(2);
    expect(dockerfile.lastIndexOf("USER node")).toBeGreaterThan(dockerfile.lastIndexOf("FROM "));
  });

  test("builds the Kafka client in, and cannot be made without it", () => {
    expect(dockerfile).toContain("CKJS_LINKING=dynamic");
    expect(dockerfile).toContain(`RUN node -e "require('@confluentinc/kafka-javascript')"`);
  });

  test("serves on the port that compose and Kubernetes probe", () => {
    const port = compose.services["parser"]?.environment?.["GOGOBE_HTTP_PORT"];
    expect(dockerfile).toContain(`GOGOBE_HTTP_PORT=${port}`);
    expect(dockerfile).toContain(`EXPOSE ${port}`);
  });
});

describe("infra/k8s", () => {
  test("gives every stage probes, resources, no rights, and longer to stop than it takes to drain", () => {
    for (const deployment of ofKind("Deployment")) {
      const pod = deployment.spec.template?.spec;
      expect((pod?.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(DEADLINE_MS);
      expect(pod?.securityContext?.runAsNonRoot).toBe(true);
      for (const container of pod?.containers ?? []) {
        expect(container).toMatchObject({
          startupProbe: {},
          livenessProbe: {},
          readinessProbe: {},
          resources: { requests: { cpu: expect.any(String), memory: expect.any(String) } },
          securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
        });
      }
    }
  });

  test("starts no more members than a topic has partitions", () => {
    for (const scaled of ofKind("ScaledObject")) {
      expect(scaled.spec.maxReplicaCount).toBeGreaterThan(1);
      expect(scaled.spec.maxReplicaCount).toBeLessThanOrEqual(Number(defaultOf("KAFKA_PARTITIONS")));
    }
  });

  test("prepares the schema and the topics with the commands of the code", () => {
    const commands = ofKind("Job").map((job) => job.spec.template?.spec.containers[0]?.args);
    expect(commands).toEqual([["migrate"], ["topics", "create"]]);
  });

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
