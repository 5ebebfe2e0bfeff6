import type { PortalFile } from "../../fixtures/portal-file.ts";

/** A small invented file; its text is its name, repeated. */
export function sampleFile(name: string, publishedAt = "2026-01-02T00:10:00Z", bytes = 300): PortalFile {
  const content = Buffer.from(name.repeat(Math.ceil(bytes / name.length)).slice(0, bytes));
  return { name, content, publishedAt: new Date(publishedAt) };
}

/** `count` full price files of stores 001, 002 … of one chain. */
export function sampleStores(count: number, chainId = "7299900000019", type = "PriceFull"): PortalFile[] {
  return Array.from({ length: count }, (_, index) =>
    sampleFile(`${type}${chainId}-${String(index + 1).padStart(3, "0")}-202601020210.gz`),
  );
}

export function bytesOf(file: PortalFile | undefined): Buffer {
  if (!file || !(file.content instanceof Uint8Array)) throw new Error("no bytes");
  return Buffer.from(file.content);
}
