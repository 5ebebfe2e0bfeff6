import type { Command } from "commander";
import type { RunningStage } from "../shared/stage.ts";
import { contextOf } from "./context.ts";
import { type Runtime, withRuntime } from "./runtime.ts";

/** Runs stages until the process is told to stop, with `/metrics`, `/healthz` and `/readyz` where a port is configured. */
export async function runService(
  command: Command,
  name: string,
  start: (runtime: Runtime) => Promise<Record<string, RunningStage>>,
): Promise<void> {
  const context = contextOf(command, { stage: name });
  const service = async (runtime: Runtime) => {
    // Opened before the stages, so it answers until they have drained.
    await serveHealth(runtime);
    for (const [stage, running] of Object.entries(await start(runtime))) {
      runtime.shutdown.add(stage, () => running.stop());
    }
    context.log.info(`${name} is running`);
    await runtime.shutdown.requested();
  };
  await withRuntime(context, service, { service: true });
}

async function serveHealth(runtime: Runtime): Promise<void> {
  const { http } = runtime.config;
  if (http.port === null) return;
  const { startHttpServer } = await import("../shared/observability/http-server.ts");
  const { db, bus, store, metrics } = await runtime.stageDeps();
  const server = await startHttpServer({
    host: http.host,
    port: http.port,
    registry: metrics.registry,
    checks: {
      database: async () => {
        await db.query("SELECT 1");
      },
      bus: () => bus.ping(),
      store: () => store.ping(),
    },
  });
  runtime.shutdown.add("the HTTP server", () => server.close());
  runtime.log.info({ host: http.host, port: server.port }, "serving /metrics, /healthz and /readyz");
}
