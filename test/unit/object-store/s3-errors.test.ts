import { expect, test } from "vitest";
import { EngineAwayError, PermanentError, UsageError } from "../../../shared/errors.ts";
import { explainS3Error, isNotFound } from "../../../shared/object-store/s3-errors.ts";

function s3Error(name: string, status: number, more: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status }, ...more });
}
const object = { server: "minio:9000", bucket: "raw", key: "a/1" };
const bucket = { ...object, key: "" };

test.each([
  ["no credentials", "CredentialsProviderError", 0],
  ["unknown key", "InvalidAccessKeyId", 403],
  ["wrong secret", "SignatureDoesNotMatch", 403],
  ["access denied", "AccessDenied", 403],
  ["missing bucket", "NoSuchBucket", 404],
])("%s is a wrong setting when a store is opened, and worth another try for an object", (_what, name, status) => {
  expect(explainS3Error(s3Error(name, status), bucket)).toBeInstanceOf(UsageError);
  const later = explainS3Error(s3Error(name, status), object);
  expect(later).toBeInstanceOf(EngineAwayError);
  expect(later).toMatchObject({
    message: expect.stringContaining("s3://raw/a/1 on minio:9000"),
    hint: expect.any(String),
  });
});

test("a busy server is given time, a refused request is not repeated, a server that is down is named", () => {
  expect(explainS3Error(s3Error("SlowDown", 503), object)).toBeInstanceOf(EngineAwayError);
  expect(explainS3Error(s3Error("InvalidArgument", 400), object)).toBeInstanceOf(PermanentError);
  const down = explainS3Error(Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), object);
  expect(down).toBeInstanceOf(EngineAwayError);
  expect(explainS3Error(s3Error("InternalError", 500), object)).toBeInstanceOf(EngineAwayError);
  expect(explainS3Error(s3Error("PreconditionFailed", 412), object)).not.toBeInstanceOf(EngineAwayError);
  expect(down).toMatchObject({ message: "minio:9000 cannot be reached (ECONNREFUSED)" });
});

test("errors of our own, and of a signal, pass as they are", () => {
  for (const error of [new PermanentError("x"), s3Error("AbortError", 0)])
    expect(explainS3Error(error, object)).toBe(error);
});

test("a missing object is told from a missing bucket", () => {
  expect(isNotFound(s3Error("NoSuchKey", 404))).toBe(true);
  expect(isNotFound(s3Error("NotFound", 404))).toBe(true);
  expect(isNotFound(s3Error("NoSuchBucket", 404))).toBe(false);
});
