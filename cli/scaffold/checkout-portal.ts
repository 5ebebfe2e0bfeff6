import type { PortalNames } from "./portal-names.ts";

/** The files of a portal family in a checkout, by path from its root: plugin, fake portal, and the test that runs the conformance suite. */
export function checkoutPortalFiles(names: PortalNames): Record<string, string> {
  const { family } = names;
  return {
    [`crawlers/portals/${family}.ts`]: plugin(names),
    [`test/fake-portals/${family}.ts`]: fake(names),
    [`test/contract/portal-${family}.test.ts`]: suite(names),
  };
}

const plugin = ({ family, plugin: name }: PortalNames) => `\
import type { ListedFile, PortalContext, PortalFamily } from "../../shared/contracts/portal-family.ts";
import { resolvePlain } from "../listing/find-again.ts";
import { layoutError } from "../listing/html.ts";
import { parseJsonList, withText } from "../listing/json-list.ts";

const PORTAL = "${family}";

/** One JSON array of files: name, link, size in bytes. A beginning: replace it by what the portal really answers. */
export const ${name}: PortalFamily = {
  name: PORTAL,
  list,
  // Links that last need no more than this; for one that expires, or takes two steps, see shufersal.ts and super-pharm.ts.
  resolve: (context, file) => resolvePlain(context, list, file),
};

/** Pages of files as they come. A page that cannot be read is an error that names what is missing, never an empty page. */
async function* list({ chain, http }: PortalContext): AsyncGenerator<ListedFile[]> {
  const url = chain.baseUrl;
  const body = await http.text(url);
  const entries = withText(PORTAL, "name", url, parseJsonList(PORTAL, url, body));
  const files = entries.flatMap(([fileName, entry]): ListedFile[] => {
    if (typeof entry["url"] !== "string" || !URL.canParse(entry["url"], url)) return [];
    const sizeBytes = typeof entry["size"] === "number" ? entry["size"] : null;
    return [{ fileName, url: new URL(entry["url"], url).href, sizeBytes, listedAt: null }];
  });
  if (entries.length > 0 && files.length === 0) throw layoutError(PORTAL, 'the key "url"', url, body);
  yield files;
}
`;

const fake = ({ family, start, chain }: PortalNames) => `\
import { type PortalFile, sizeOf } from "../fixtures/portal-file.ts";
import type { FakePortal, PortalChain } from "./fake-portal.ts";
import { asFakePortal, notFound, startHttpPortal } from "./http-server.ts";

export const ${chain}: PortalChain = {
  key: "${family}-sample",
  nameEn: "${family} (invented)",
  nameHe: "רשת לדוגמה",
  chainIds: ["7299900000040"],
};

/** Answers as the portal does, quirks included: written from what the portal shows, never from the plugin's own reading. */
export async function ${start}(
  files: readonly PortalFile[],
  options: { chain?: PortalChain } = {},
): Promise<FakePortal> {
  const portal = await startHttpPortal(files, (app, self) => {
    app.get("/", async () =>
      self.files().map((file) => ({
        name: file.name,
        url: \`/files/\${encodeURIComponent(file.name)}\`,
        size: sizeOf(file),
      })),
    );
    app.get("/files/:name", async (request, reply) => {
      const { name } = request.params as { name: string };
      const file = self.files().find((candidate) => candidate.name === name);
      return file ? self.sendFile(reply, file) : notFound(reply);
    });
  });
  return asFakePortal(portal, "${family}", options.chain ?? ${chain});
}
`;

const suite = ({ family, plugin: name, start }: PortalNames) => `\
import { ${name} } from "../../crawlers/portals/${family}.ts";
import { ${start} } from "../fake-portals/${family}.ts";
import { portalConformance } from "./portal-conformance-suite.ts";

// A skeleton may leave open how its portal pages and when its links expire. Once both are said (\`paging\`, \`expiry\`), the subject moves
// into portal-subjects.ts, and this file goes.
portalConformance({
  family: "${family}",
  plugin: ${name},
  startFake: ${start},
  mode: "skeleton",
  drift: [
    {
      change: "names under another key",
      rewrite: (body) => body.replaceAll('"name"', '"renamed"'),
      names: /the key "name"/,
    },
    {
      change: "links under another key",
      rewrite: (body) => body.replaceAll('"url"', '"renamed"'),
      names: /the key "url"/,
    },
  ],
});
`;
