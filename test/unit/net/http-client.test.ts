import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { CookieJar } from "tough-cookie";
import { afterEach, describe, expect, it } from "vitest";
import { createHostPolicy, HostNotAllowedError } from "../../../shared/net/host-policy.ts";
import { createHttpClient, type HopRunner, type HttpAnswer } from "../../../shared/net/http-client.ts";
import {
  BodyTooLargeError,
  HostBusyError,
  HostTimeoutError,
  HostUnreachableError,
  PortalStatusError,
} from "../../../shared/net/net-errors.ts";
import { NET_DEFAULTS } from "../../../shared/net/net-settings.ts";
import { readText } from "../../../shared/net/read-text.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientFor(
  baseUrl: string,
  options: { hosts?: string[]; settings?: Partial<typeof NET_DEFAULTS>; proxy?: string } = {},
) {
  const chain = { key: "sample", baseUrl, hosts: options.hosts ?? [], allowPrivateHosts: ["127.0.0.1"] };
  const policy = createHostPolicy(chain);
  const settings = { ...NET_DEFAULTS, ...options.settings };
  const client = createHttpClient(
    { ...chain, proxy: options.proxy ?? null, maxParallel: 5 },
    policy,
    new CookieJar(),
    settings,
  );
  closers.push(() => client.close());
  const signal = new AbortController().signal;
  const hops: string[] = [];
  const run: HopRunner = (host, work) => {
    hops.push(host);
    return work(signal);
  };
  const get = <T>(url: string, consume: (answer: HttpAnswer) => Promise<T>, decompress = true) =>
    client.get(url, { decompress, totalTimeoutMs: 5_000, signal }, run, consume);
  const text = (url: string, maxBytes = 1_000_000) => get(url, (answer) => readText(answer, maxBytes));
  return { get, text, hops };
}

const gzipHeader = () => ({ "content-encoding": "gzip" });

describe("an HTTP request to a portal", () => {
  it("names gogobe and gives the body as text in the charset of the answer", async () => {
    let agent: string | undefined;
    const base = await serve((request, response) => {
      agent = request.headers["user-agent"];
      response.setHeader("content-type", "text/html; charset=windows-1255");
      response.end(Buffer.from([0xf9, 0xec, 0xe5, 0xed]));
    });
    expect(await clientFor(base).text(`${base}/`)).toBe("שלום");
    expect(agent).toMatch(/^gogobe\//);
  });

  it("keeps a percent-encoded signature and a double slash as they are", async () => {
    let seen: string | undefined;
    const base = await serve((request, response) => {
      seen = request.url;
      response.end("x");
    });
    await clientFor(base).text(`${base}//f.gz?sv=2014&sig=aB%2Bc%2Fd%3D&se=2026-01-02T03%3A31%3A00Z`);
    expect(seen).toBe("//f.gz?sv=2014&sig=aB%2Bc%2Fd%3D&se=2026-01-02T03%3A31%3A00Z");
  });

  it("brings back the cookies of the answer before", async () => {
    const base = await serve((request, response) => {
      response.setHeader("set-cookie", "session=42; Path=/");
      response.end(request.headers.cookie ?? "none");
    });
    const client = clientFor(base);
    expect(await client.text(`${base}/1`)).toBe("none");
    expect(await client.text(`${base}/2`)).toBe("session=42");
  });

  it("unpacks a compressed listing but hands a file over as it was sent", async () => {
    const packed = gzipSync("listing");
    const base = await serve((_request, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(packed);
    });
    const client = clientFor(base);
    expect(await client.text(base)).toBe("listing");
    const file = await client.get(base, async ({ body }) => buffer(body), false);
    expect(file).toEqual(packed);
  });

  it("refuses a listing that is too large after unpacking", async () => {
    const base = await serve((_request, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync(Buffer.alloc(100_000)));
    });
    await expect(clientFor(base).text(base, 10_000)).rejects.toThrow(BodyTooLargeError);
  });
});

describe("a redirect", () => {
  it("is followed to an allowed host, each hop under the slot of its own host", async () => {
    const goal = await serve((_request, response) => response.end("there"));
    const base = await serve((_request, response) => response.writeHead(302, { location: `${goal}/f` }).end());
    const client = clientFor(base);
    expect(await client.text(base)).toBe("there");
    expect(client.hops).toEqual([new URL(base).host, new URL(goal).host]);
  });

  it.each([
    ["a foreign host", "http://evil.example.org/f"],
    ["a private address", "http://10.0.0.1/f"],
    ["the cloud's metadata", "http://169.254.169.254/latest"],
    ["another scheme", "file:///etc/passwd"],
  ])("to %s is refused", async (_what, location) => {
    const base = await serve((_request, response) => response.writeHead(302, { location }).end());
    await expect(clientFor(base).text(base)).rejects.toThrow(HostNotAllowedError);
  });

  it("to an allowed name that resolves to a private address is refused when it connects", async () => {
    let reached = false;
    const goal = await serve((_request, response) => {
      reached = true;
      response.end();
    });
    const location = goal.replace("127.0.0.1", "localhost");
    const base = await serve((_request, response) => response.writeHead(302, { location }).end());
    await expect(clientFor(base, { hosts: ["localhost"] }).text(base)).rejects.toThrow(HostNotAllowedError);
    expect(reached).toBe(false);
  });

  it("that never ends is given up", async () => {
    const base = await serve((_request, response) => response.writeHead(302, { location: "/again" }).end());
    await expect(clientFor(base).text(base)).rejects.toThrow(/redirected more than 5 times/);
  });
});

describe("a portal in trouble", () => {
  it("that is too slow to answer is named with the phase", async () => {
    const base = await serve(() => {});
    const running = clientFor(base, { settings: { responseTimeoutMs: 50 } }).text(`${base}/?sig=SECRET`);
    const error = await running.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HostTimeoutError);
    expect((error as Error).message).toMatch(/127\.0\.0\.1:\d+: timed out in phase "response" after 50 ms/);
    expect((error as Error).message).not.toContain("SECRET");
  });

  it("that falls silent in the middle of a body is named too", async () => {
    const base = await serve((_request, response) => void response.write("half"));
    const running = clientFor(base, { settings: { idleTimeoutMs: 60 } }).text(base);
    await expect(running).rejects.toThrow(/sent only 4 bytes for 60 ms/);
    await expect(running).rejects.toBeInstanceOf(HostTimeoutError);
  });

  it("that drips a byte now and then is given up too, though it is never silent", async () => {
    const base = await serve((_request, response) => {
      const drip = setInterval(() => response.write("x"), 20);
      closers.push(() => clearInterval(drip));
    });
    const running = clientFor(base, { settings: { idleTimeoutMs: 200 } }).text(base);
    await expect(running).rejects.toThrow(/sent only \d+ bytes for 200 ms/);
    await expect(running).rejects.toBeInstanceOf(HostTimeoutError);
  });

  it("is not blamed while its bytes wait for a slow reader", async () => {
    const base = await serve((_request, response) => response.end(Buffer.alloc(4_000_000)));
    const read = clientFor(base, { settings: { idleTimeoutMs: 100 } }).get(base, async ({ body }) => {
      let bytes = 0;
      for await (const chunk of body) {
        if (bytes === 0) await new Promise((done) => setTimeout(done, 500));
        bytes += (chunk as Buffer).length;
      }
      return bytes;
    });
    expect(await read).toBe(4_000_000);
  });

  it.each([
    ["gzip that is none", gzipHeader(), Buffer.from("<html>plain</html>"), /not compressed the way its header says/],
    [
      "gzip cut short",
      gzipHeader(),
      gzipSync(Buffer.alloc(50_000, "ab")).subarray(0, 60),
      /compressed body was cut short/,
    ],
    ["more bytes than it sends", { "content-length": "1000" }, Buffer.from("<html>"), /cut/],
  ])("that announces %s is unreachable, never an empty page", async (_what, headers, body, says) => {
    const base = await serve((_request, response) => {
      response.writeHead(200, headers);
      if ("content-length" in headers) response.write(body, () => response.destroy());
      else response.end(body);
    });
    const running = clientFor(base).text(base);
    await expect(running).rejects.toThrow(says);
    await expect(running).rejects.toBeInstanceOf(HostUnreachableError);
  });

  it("that cuts the connection in the middle of a body is unreachable, not short", async () => {
    const base = await serve((_request, response) => {
      response.setHeader("content-length", "100");
      response.write("half", () => response.destroy());
    });
    await expect(clientFor(base).text(base)).rejects.toThrow(HostUnreachableError);
  });

  it("that answers 404 gives its status and does not count as host failure, 500 does", async () => {
    const base = await serve((request, response) => response.writeHead(Number(request.url?.slice(1))).end("no"));
    await expect(clientFor(base).text(`${base}/404`)).rejects.toMatchObject({ status: 404, hostFailure: false });
    await expect(clientFor(base).text(`${base}/500`)).rejects.toMatchObject({ status: 500, hostFailure: true });
    await expect(clientFor(base).text(`${base}/404`)).rejects.toBeInstanceOf(PortalStatusError);
  });

  it("that asks for patience is heard", async () => {
    const base = await serve((_request, response) => response.writeHead(429, { "retry-after": "7" }).end());
    const error = await clientFor(base)
      .text(base)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HostBusyError);
    expect((error as HostBusyError).retryAfterMs).toBe(7_000);
  });

  it("that refuses the connection is unreachable", async () => {
    const base = await serve(() => {});
    for (const close of closers.splice(0)) close();
    await expect(clientFor(base).text(base)).rejects.toThrow(/refused/);
  });
});

describe("a chain with a proxy", () => {
  it("sends its requests through a tunnel of it, to the name and not to an address", async () => {
    const base = await serve((_request, response) => response.end("through the proxy"));
    const asked: (string | undefined)[] = [];
    const proxy = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => proxy.once("listening", done));
    proxy.on("connect", (request, socket) => {
      asked.push(request.url);
      const onward = connect(Number(new URL(base).port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
    });
    closers.push(() => proxy.close());
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const client = clientFor("http://prices.example.co.il/", { proxy: address });
    expect(await client.text("http://prices.example.co.il/list")).toBe("through the proxy");
    expect(asked).toEqual(["prices.example.co.il:80"]);
  });
});
