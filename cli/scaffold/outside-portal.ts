import type { PortalNames } from "./portal-names.ts";

/** The files of a portal family outside the package, by name: plain JavaScript that needs nothing but Node. */
export function outsidePortalFiles(names: PortalNames): Record<string, string> {
  const { family } = names;
  return {
    [`${family}.mjs`]: plugin(names),
    [`${family}.fake.mjs`]: fake(names),
    [`${family}.test.mjs`]: suite(names),
  };
}

const plugin = ({ family }: PortalNames) => `\
/** gogobe knows this name: the portal answered, but not with the listing that is expected. Never an empty listing instead. */
class LayoutNotRecognisedError extends Error {
  name = "LayoutNotRecognisedError";
}

/** One JSON array of files: name, link, size in bytes. A beginning: replace it by what the portal really answers. */
const family = {
  name: "${family}",

  // What an entry must have: { schemes: ["ftp"], account: true } for FTP, { settings: { region: "why" } } for a setting.
  needs: { schemes: ["http", "https"] },

  /** Yields pages of files as they come. \`filter\` has types, stores, since, until: heed what the portal can filter on, gogobe does the rest. */
  async *list({ chain, http }, _filter) {
    const body = await http.text(chain.baseUrl);
    const entries = parse(body, chain.baseUrl);
    yield entries.map(({ name, url, size }) => ({
      fileName: name,
      url: new URL(url, chain.baseUrl).href,
      sizeBytes: typeof size === "number" ? size : null,
      listedAt: null,
    }));
  },

  /** How to fetch a file now: here the listed link lasts. \`fresh\` is true when the listed link was refused: then list again. */
  async resolve(context, file) {
    if (!file.fresh) return { url: file.url };
    for await (const page of family.list(context, {})) {
      const found = page.find((listed) => listed.fileName === file.fileName);
      if (found) return { url: found.url };
    }
    throw new Error(\`the portal no longer lists \${file.fileName}\`);
  },
};

function parse(body, url) {
  let entries;
  try {
    entries = JSON.parse(body);
  } catch {
    entries = null;
  }
  if (!Array.isArray(entries)) throw drifted("a JSON array", url, body);
  for (const key of ["name", "url"]) {
    if (entries.some((entry) => typeof entry?.[key] !== "string")) throw drifted(\`the key "\${key}"\`, url, body);
  }
  return entries;
}

function drifted(missing, url, body) {
  return new LayoutNotRecognisedError(
    \`${family}: \${url} answered without \${missing}; it starts with "\${body.slice(0, 80)}"\`,
  );
}

/** What \`gogobe chains check\` starts in place of the portal. */
export async function startFake(files) {
  const { startPortal } = await import("./${family}.fake.mjs");
  return startPortal(files);
}

export default family;
`;

const fake = ({ family }: PortalNames) => `\
import { createServer } from "node:http";

/**
 * A local server that answers as the portal ${family} does: written from what the portal shows, never from the plugin's own reading.
 * \`answer\` replaces the listing in a test.
 * @param {{ name: string, content: Uint8Array }[]} files
 */
export async function startPortal(files, { answer } = {}) {
  const server = createServer((request, response) => {
    const name = /^\\/files\\/(.+)$/.exec(request.url)?.[1];
    const file = files.find((candidate) => encodeURIComponent(candidate.name) === name);
    if (file) return response.setHeader("content-length", file.content.length).end(file.content);
    if (request.url !== "/") return response.writeHead(404).end();
    const listing = files.map(({ name, content }) => ({
      name,
      url: \`/files/\${encodeURIComponent(name)}\`,
      size: content.length,
    }));
    response.setHeader("content-type", "application/json").end(answer ?? JSON.stringify(listing));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: \`http://127.0.0.1:\${server.address().port}/\`,
    close: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}
`;

const suite = ({ family }: PortalNames) => `\
import assert from "node:assert/strict";
import { test } from "node:test";
import { startPortal } from "./${family}.fake.mjs";
import family from "./${family}.mjs";

const FILES = ["PriceFull7299900000040-001-202601020300.gz", "Stores7299900000040-000-202601020100.gz"].map((name) => ({
  name,
  content: Buffer.from(\`invented \${name}\`),
}));

/** Runs against the fake portal; the real context has the same parts, with host checks, politeness and retries inside. */
async function withPortal(options, run) {
  const portal = await startPortal(options.files ?? FILES, options);
  const http = { text: async (url) => (await fetch(url)).text() };
  const chain = { key: "sample", portal: family.name, baseUrl: portal.url, chainIds: ["7299900000040"], settings: {} };
  const signal = new AbortController().signal;
  try {
    await run({ chain, http, ftp: undefined, signal, now: () => new Date("2026-01-02T12:00:00Z") });
  } finally {
    await portal.close();
  }
}

async function listAll(context) {
  const files = [];
  for await (const page of family.list(context, {})) files.push(...page);
  return files;
}

test("lists every file", () =>
  withPortal({}, async (context) => {
    assert.deepEqual((await listAll(context)).map((file) => file.fileName), FILES.map((file) => file.name));
  }));

test("resolves a listed file to its bytes, also when the listed link was refused", () =>
  withPortal({}, async (context) => {
    const [file] = await listAll(context);
    for (const fresh of [false, true]) {
      const { url } = await family.resolve(context, { fileName: file.fileName, fileType: "price-full", url: file.url, fresh });
      assert.equal(await (await fetch(url)).text(), String(FILES[0].content));
    }
  }));

test("an empty portal is empty", () =>
  withPortal({ files: [] }, async (context) => {
    assert.deepEqual(await listAll(context), []);
  }));

for (const [answer, missing] of [
  ["<html>maintenance</html>", /a JSON array/],
  ['[{"file":"a","url":"/a"}]', /the key "name"/],
  ['[{"name":"a","link":"/a"}]', /the key "url"/],
]) {
  test(\`another layout is an error, never an empty listing: \${answer}\`, () =>
    withPortal({ answer }, async (context) => {
      await assert.rejects(listAll(context), { name: "LayoutNotRecognisedError", message: missing });
    }));
}
`;
