import type { PortalFile } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, notFound, startHttpPortal } from "./http-server.ts";

export interface MeshnatYosefOptions {
  chain?: PortalChain;
}

export const MESHNAT_YOSEF: PortalChain = {
  key: "meshnat-yosef-1",
  nameEn: "Meshnat Yosef / KT (worker site)",
  nameHe: "משנת יוסף",
  chainIds: ["5144744100002"],
};

/** One JSON array of names and absolute addresses, without sizes or filters. */
export async function startMeshnatYosef(
  files: readonly PortalFile[],
  options: MeshnatYosefOptions = {},
): Promise<FakePortal> {
  const { chain = MESHNAT_YOSEF } = options;
  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/", async () =>
      self.files().map((file) => ({ name: file.name, url: `${self.url}files/${encodeURIComponent(file.name)}` })),
    );
    app.get("/files/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = self.files().find((candidate) => candidate.name === name);
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "meshnat-yosef-worker", chain);
}
