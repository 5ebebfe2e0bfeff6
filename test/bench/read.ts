import { parseFile } from "../../parser/parse-file.ts";
import type { IngestMessage } from "../../shared/contracts/ingest-messages.ts";
import { bareSaxes, chunksOf, MAX_EXPANDED_BYTES } from "./bare-saxes.ts";
import { type Measure, measure, median, secondsOf } from "./measure.ts";
import type { Subject } from "./subject.ts";

export interface ReadResult {
  measures: Measure[];
  bareSaxesSeconds: number;
}

/**
 * The parser's core, from the bytes of a file to validated, normalised batches, held against bare saxes over the same bytes: as it runs,
 * and with every row left to saxes. `others` are the same rows in other encodings, and promotions, which are nested: saxes reads every
 * row of them. Each is held against bare saxes over its own bytes.
 */
export async function benchRead(
  subject: Subject,
  others: readonly Subject[],
  promotions: Subject,
  rounds: number,
): Promise<ReadResult> {
  const { bare, parse, plain } = await takeTurns(subject, rounds);
  const perSecond = (seconds: number) => subject.items / seconds;
  const measures = [
    measure("bare saxes", "items/s", perSecond(bare), perSecond(bare)),
    measure("parse", "items/s", perSecond(parse), perSecond(bare)),
    measure("parse, every row by saxes", "items/s", perSecond(plain), perSecond(bare)),
  ];
  for (const other of others) {
    const seconds = await takeTurns(other, rounds);
    const name = `parse, ${other.encoding}`;
    measures.push(
      measure(name, "items/s", perSecond(seconds.parse), perSecond(seconds.bare)),
      measure(`${name}, every row by saxes`, "items/s", perSecond(seconds.plain), perSecond(seconds.bare)),
    );
  }
  const nested = await takeTurns(promotions, rounds);
  const perSecondNested = (seconds: number) => promotions.items / seconds;
  measures.push(measure("parse, promotions", "rows/s", perSecondNested(nested.parse), perSecondNested(nested.bare)));
  return { measures, bareSaxesSeconds: bare };
}

/** In turns, so that a busy machine and a warm engine serve them alike; the median of each counts. */
async function takeTurns(subject: Subject, rounds: number): Promise<{ bare: number; parse: number; plain: number }> {
  const bare: number[] = [];
  const parse: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await secondsOf(async () => expectAll(subject, await bareSaxes(subject.bytes, subject.rowTag))));
    parse.push(await secondsOf(async () => expectAll(subject, await countItems(parseStream(subject)))));
    plain.push(await secondsOf(async () => expectAll(subject, await countItems(parseStream(subject, true)))));
  }
  return { bare: median(bare), parse: median(parse), plain: median(plain) };
}

/** All batches of a file, as the parser publishes them. */
export async function parseSubject(subject: Subject): Promise<IngestMessage[]> {
  const messages: IngestMessage[] = [];
  for await (const message of parseStream(subject)) messages.push(message);
  return messages;
}

function parseStream(subject: Subject, onlySaxes = false): AsyncGenerator<IngestMessage> {
  const options = { maxExpandedBytes: MAX_EXPANDED_BYTES, onlySaxes };
  return parseFile(chunksOf(subject.bytes), subject.file, options);
}

/** Batches are let go as the bus would, so that reading does not pay for keeping them. */
async function countItems(messages: AsyncIterable<IngestMessage>): Promise<number> {
  let items = 0;
  for await (const message of messages) items += message.items.length;
  return items;
}

/** A measure of work that was not done would look good. */
function expectAll(subject: Subject, items: number): void {
  if (items !== subject.items)
    throw new Error(`${items} of ${subject.items} items of ${subject.file.fileName} were read`);
}
