import { describe, expect, it } from "vitest";
import { createHostPolicy, HostNotAllowedError, hostsOf, isPublicAddress } from "../../../shared/net/host-policy.ts";

const chain = {
  key: "sample",
  baseUrl: "https://prices.example.co.il/",
  hosts: ["files.example.net", "203.0.113.9"],
  allowPrivateHosts: [] as string[],
};

const resolvesTo =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

function lookUp(policy: ReturnType<typeof createHostPolicy>, host: string) {
  return new Promise((resolve) => {
    policy.lookup(host, { all: true }, (error, addresses) => resolve(error ?? addresses));
  });
}

describe("which hosts of a chain may be fetched", () => {
  it("lets through the host of the listing and the hosts the registry names, in any case and with any port", () => {
    const policy = createHostPolicy(chain);
    expect(policy.assertUrl("https://PRICES.example.co.il/a?b=c").pathname).toBe("/a");
    expect(policy.assertUrl("ftp://files.example.net:2121/x").host).toBe("files.example.net:2121");
    expect(hostsOf(chain)).toEqual(["prices.example.co.il", "files.example.net", "203.0.113.9"]);
  });

  it.each([
    ["another host", "https://evil.example.org/"],
    ["a host that only ends like an allowed one", "https://notprices.example.co.il.evil.org/"],
    ["an allowed name in the place of the user", "https://prices.example.co.il@evil.org/"],
    ["another scheme", "file:///etc/passwd"],
    ["no URL", "//x"],
  ])("refuses %s", (_what, url) => {
    expect(() => createHostPolicy(chain).assertUrl(url)).toThrow(HostNotAllowedError);
  });

  it("refuses a private address that the registry lists as host until it is named as private too", () => {
    const listed = { ...chain, hosts: ["10.0.0.5"] };
    expect(() => createHostPolicy(listed).assertUrl("http://10.0.0.5/")).toThrow(/private or reserved/);
    expect(() => createHostPolicy(listed).assertUrl("http://0x0a000005/")).toThrow(/private or reserved/);
    const named = createHostPolicy({ ...listed, allowPrivateHosts: ["10.0.0.5"] });
    expect(named.assertUrl("http://10.0.0.5/").hostname).toBe("10.0.0.5");
  });

  it("never shows the query of a refused link", () => {
    expect(() => createHostPolicy(chain).assertUrl("https://evil.org/f?sig=SECRET")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("SECRET") }),
    );
  });
});

describe("which addresses a name may stand for", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "168.63.129.16",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "nonsense",
  ])("counts %s as not public", (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(["8.8.8.8", "194.90.26.22", "2a00:1450:4001::1"])("counts %s as public", (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );

  it("gives the socket only the public ones of the addresses a name resolves to", async () => {
    const policy = createHostPolicy(chain, resolvesTo("10.0.0.1", "8.8.8.8", "::1"));
    expect(await lookUp(policy, "prices.example.co.il")).toEqual([{ address: "8.8.8.8", family: 4 }]);
  });

  it("checks again at every connection, so a name that changes to a private address is refused then", async () => {
    const answers = ["8.8.8.8", "169.254.169.254"];
    const policy = createHostPolicy(chain, async () => [{ address: answers.shift() ?? "", family: 4 }]);
    expect(await lookUp(policy, "prices.example.co.il")).toEqual([{ address: "8.8.8.8", family: 4 }]);
    expect(await lookUp(policy, "prices.example.co.il")).toBeInstanceOf(HostNotAllowedError);
  });

  it("lets a host that the registry names as private resolve to anything", async () => {
    const policy = createHostPolicy({ ...chain, allowPrivateHosts: ["Files.Example.net"] }, resolvesTo("192.168.0.9"));
    expect(await policy.resolve("files.example.net")).toEqual([{ address: "192.168.0.9", family: 4 }]);
    await expect(policy.resolve("prices.example.co.il")).rejects.toThrow(HostNotAllowedError);
  });
});

describe("the address an FTP server names for its data", () => {
  it("may be the one of the control connection, even a private one that was reached already", async () => {
    const policy = createHostPolicy(chain, resolvesTo("8.8.8.8"));
    await expect(policy.assertPassiveAddress("127.0.0.1", "::ffff:127.0.0.1")).resolves.toBeUndefined();
  });

  it("may be one that a host of the chain resolves to, or one that the registry names", async () => {
    const policy = createHostPolicy(chain, resolvesTo("8.8.4.4"));
    await expect(policy.assertPassiveAddress("8.8.4.4", "8.8.8.8")).resolves.toBeUndefined();
    const listed = createHostPolicy({ ...chain, hosts: ["8.8.1.1"] }, resolvesTo("8.8.8.8"));
    await expect(listed.assertPassiveAddress("8.8.1.1", "8.8.8.8")).resolves.toBeUndefined();
  });

  it.each(["10.0.0.1", "127.0.0.2", "169.254.169.254", "1.1.1.1"])("may not be %s", async (address) => {
    const policy = createHostPolicy(chain, resolvesTo("8.8.8.8"));
    await expect(policy.assertPassiveAddress(address, "8.8.8.8")).rejects.toThrow(HostNotAllowedError);
  });
});
