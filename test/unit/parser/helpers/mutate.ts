import { wrap } from "../../../fixtures/containers.ts";
import { textEncoding } from "../../../fixtures/encodings.ts";
import type { Random } from "../../../fixtures/random.ts";
import { SAMPLE_COUNT, type Sample, sampleAt } from "./fuzz-samples.ts";

/** A damaged file. */
export interface Mutation {
  bytes: Buffer;
  /** What was done, in order. */
  steps: readonly Step[];
}

const STEPS = ["truncate", "flip", "splice", "duplicate", "reorder", "remove", "spice"] as const;
export type Step = (typeof STEPS)[number];

/** Pieces of markup that a reader may stumble over. */
const SPICE = [
  ..."<|>|&|&amp;|&#1;|&nbsp;|]]>|<!--|-->|<![CDATA[|<?|?>|<!DOCTYPE|/>|</|\"|='|\u0001|\u200f".split("|"),
  ..."<Item>|</Item>|<Item >|<Item/>|<Promotion>|</Promotion>|</Items>|<Store>|<A b='1'>|</A>".split("|"),
];

/** Damages a sample once to three times: in its text, so that the container stays whole, or in the bytes as published. */
export function mutate(random: Random, sample: Sample): Mutation {
  const inside = random.chance(0.5);
  let bytes = inside ? sample.plain : sample.bytes;
  const steps: Step[] = [];
  for (let times = random.int(1, 3); times > 0 && bytes.length > 0; times--) {
    const step = random.pick(STEPS);
    steps.push(step);
    bytes = mutated(random, step, bytes, sample);
  }
  return { bytes: inside ? wrap(bytes, sample.container, sample.fileName) : bytes, steps };
}

function mutated(random: Random, step: Step, bytes: Buffer, sample: Sample): Buffer {
  const at = random.int(0, bytes.length - 1);
  const length = random.int(1, random.pick([1, 4, 40, 400]));
  const region = bytes.subarray(at, at + length);
  const without = () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
  switch (step) {
    case "truncate":
      return Buffer.from(bytes.subarray(0, at + 1));
    case "flip":
      return withFlippedBits(random, bytes);
    case "splice": {
      const other = sampleAt(random.int(0, SAMPLE_COUNT - 1)).plain;
      const from = random.int(0, other.length - 1);
      return inserted(bytes, at, other.subarray(from, from + length));
    }
    case "duplicate":
      return inserted(bytes, random.int(0, bytes.length), region);
    case "reorder": {
      const rest = without();
      return inserted(rest, random.int(0, rest.length), region);
    }
    case "remove":
      return without();
    case "spice":
      return inserted(bytes, at, spiceIn(random, sample));
  }
}

function inserted(bytes: Buffer, at: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

function withFlippedBits(random: Random, bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes);
  for (let flips = random.int(1, 3); flips > 0; flips--) {
    const where = random.int(0, flipped.length - 1);
    flipped[where] = (flipped[where] ?? 0) ^ (1 << random.int(0, 7));
  }
  return flipped;
}

/** Markup in the encoding of the sample. */
function spiceIn(random: Random, { encoding }: Sample): Buffer {
  return textEncoding(encoding).encode(random.pick(SPICE));
}
