import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FILE_TYPES, fileIdOf, fileVersionOf } from "../../../shared/contracts/file-identity.ts";
import type { FileIdentity } from "../../../shared/contracts/file-messages.ts";
import { fileFromObjectMetadata, objectMetadataOf } from "../../../shared/contracts/object-metadata.ts";
import { InvalidMessageError } from "../../../shared/contracts/validation.ts";

const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));

const identity: fc.Arbitrary<FileIdentity> = fc
  .record({
    chain: fc.stringMatching(/^[a-z][a-z-]{0,30}$/),
    chainId: digits(1, 13),
    subChainId: fc.option(digits(1, 3)),
    storeId: fc.option(digits(1, 5)),
    portal: fc.constantFrom("cerberus", "local"),
    fileName: fc.stringMatching(/^[A-Za-z][A-Za-z0-9.-]{0,100}$/),
    fileType: fc.constantFrom(...FILE_TYPES),
    revision: fc.integer({ min: 0, max: 999 }),
  })
  .map((file) => {
    const publishedAt = "2026-08-14T03:00:00+03:00";
    const fileId = fileIdOf(file.chain, file.fileName, file.revision);
    const version = fileVersionOf({ ...file, publishedAt, sequence: 0, fileId });
    return { schemaVersion: 1, ...file, fileId, publishedAt, version };
  });

const facts = {
  sha256: "a".repeat(64),
  sizeBytes: 0,
  downloadedAt: "2026-08-14T00:10:00.000Z",
  sourceUrl: "https://prices.example.co.il/f.gz",
};
const object = { uri: "s3://gogobe-raw/a/2026-08-14/f.gz", etag: '"1"', contentType: "application/gzip" };

describe("metadata of a stored object", () => {
  it("gives the whole message back, absent store and sub-chain included", () => {
    fc.assert(
      fc.property(identity, (file) => {
        const read = fileFromObjectMetadata(objectMetadataOf(file, facts), object);
        expect(read).toEqual({
          ...file,
          ...facts,
          s3_path: object.uri,
          etag: object.etag,
          contentType: object.contentType,
        });
      }),
    );
  });

  it("stays below what S3 allows, whatever the length of names and addresses", () => {
    fc.assert(
      fc.property(identity, (file) => {
        const metadata = objectMetadataOf(
          { ...file, fileName: "P".repeat(200), chain: "c".repeat(100) },
          { ...facts, sourceUrl: `https://h/${"x".repeat(5_000)}` },
        );
        const bytes = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
        expect(bytes).toBeLessThan(2_000);
      }),
    );
  });

  it("of a foreign object is refused by name", () => {
    expect(() => fileFromObjectMetadata({}, object)).toThrow(InvalidMessageError);
    expect(() => fileFromObjectMetadata({}, object)).toThrow(/s3:\/\/gogobe-raw\/a\/2026-08-14\/f\.gz carries no file/);
  });
});
