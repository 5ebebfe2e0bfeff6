import { EngineAwayError, errorMessage, GogobeError, PermanentError, RetryableError, UsageError } from "../errors.ts";

/** No such object (or bucket, for requests on one). */
export function isNotFound(error: unknown): boolean {
  const { name, status } = facts(error);
  return name === "NoSuchKey" || name === "NotFound" || (status === 404 && name !== "NoSuchBucket");
}

/**
 * An error of the S3 client in words: which server, which object, what to do. Nothing of a request's headers gets into it.
 * Wrong credentials or a missing bucket are a wrong setting when a store is opened; later they are trouble that a person can mend while
 * messages wait, so trying again may help.
 * @param place.key empty: the bucket itself
 */
export function explainS3Error(error: unknown, place: { server: string; bucket: string; key: string }): unknown {
  if (error instanceof GogobeError || (error instanceof Error && error.name === "AbortError")) return error;
  const { name, status, code } = facts(error);
  const where = `s3://${place.bucket}/${place.key} on ${place.server}`;
  const Misconfigured = place.key === "" ? UsageError : EngineAwayError;
  if (name === "CredentialsProviderError") {
    return new Misconfigured(`${where}: there are no credentials`, {
      cause: error,
      hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role",
    });
  }
  if (name === "NoSuchBucket") {
    return new Misconfigured(`${where}: there is no such bucket`, {
      hint: "create it, or correct S3_BUCKET and S3_REGION",
    });
  }
  if (name === "InvalidAccessKeyId" || name === "SignatureDoesNotMatch") {
    return new Misconfigured(`${where}: the server does not know these credentials (${name})`, {
      hint: "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and S3_REGION",
    });
  }
  if (status === 403) {
    return new Misconfigured(`${where}: access denied`, {
      hint: "check the credentials; they must be allowed to list the bucket and to read, write and delete its objects",
    });
  }
  if (status === 301 || status === 400) {
    return new PermanentError(`${where}: refused (${name}: ${errorMessage(error)})`, {
      hint: "check S3_ENDPOINT, S3_REGION and S3_PATH_STYLE",
    });
  }
  if (name === "SlowDown" || status === 429 || status === 503) {
    return new EngineAwayError(`${where}: the server asks for patience (${name})`, { cause: error });
  }
  if (code !== "" || name === "TimeoutError") {
    return new EngineAwayError(`${place.server} cannot be reached (${code || name})`, {
      cause: error,
      hint: "check S3_ENDPOINT and that the server is running",
    });
  }
  const Trouble = status >= 500 ? EngineAwayError : RetryableError;
  return new Trouble(`${where}: ${name}: ${errorMessage(error)}`, { cause: error });
}

function facts(error: unknown): { name: string; status: number; code: string } {
  if (!(error instanceof Error)) return { name: "", status: 0, code: "" };
  const { code, $metadata } = error as { code?: unknown; $metadata?: { httpStatusCode?: number } };
  // Node's own errors (ECONNREFUSED …) have a code in capitals; the SDK's have a name.
  const system = typeof code === "string" && /^E[A-Z_]+$/.test(code) ? code : "";
  return { name: error.name, status: $metadata?.httpStatusCode ?? 0, code: system };
}
