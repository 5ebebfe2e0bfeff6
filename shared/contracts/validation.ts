import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { PermanentError } from "../errors.ts";

/** A value from outside does not have the agreed shape. Trying again cannot help. */
export class InvalidMessageError extends PermanentError {}

/** A schema compiled once; `parse` returns the same object, typed, unknown fields included. */
export interface Validator<T> {
  /** @throws {InvalidMessageError} naming the first fields that are wrong */
  parse(value: unknown): T;
}

/** Compiles a schema for the hot path. `what` names the thing in errors ("a gogobe.files.discovered message"). */
export function validatorOf<S extends TSchema>(what: string, schema: S): Validator<Static<S>> {
  const compiled = Compile(schema);
  return {
    parse(value: unknown): Static<S> {
      if (compiled.Check(value)) return value;
      const errors = compiled.Errors(value).slice(0, 3);
      const details = errors.map((error) => `${error.instancePath || "the whole"} ${error.message}`).join("; ");
      throw new InvalidMessageError(`not ${what}: ${details}`);
    },
  };
}
