import { comparableCode } from "../../shared/contracts/file-identity.ts";
import type { StoreRow } from "../../shared/contracts/ingest-messages.ts";
import { STORE, STORE_FIELDS } from "../dialects/fields.ts";
import { FieldSlots } from "../field-slots.ts";
import { NO_DATE } from "../normalise/dates.ts";
import { cleanText } from "../normalise/text.ts";
import { quantityOf, type Rejection, type RowBuilder, type RowContext } from "./row-context.ts";

/** A store row is flat. It is rejected when it has no store id. */
export class StoreRowBuilder implements RowBuilder<StoreRow> {
  readonly slots: FieldSlots;
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
    this.slots = new FieldSlots(STORE_FIELDS, context.unknownTags);
  }

  begin(): void {
    this.slots.clear();
  }

  field(tag: string, text: string): void {
    this.slots.put(tag, text);
  }

  enter(): void {}
  leave(): void {}

  finish(line: number): StoreRow | Rejection {
    const texts = this.slots.values;
    const storeCode = cleanText(texts[STORE.storeCode]);
    if (storeCode === undefined) return { reason: "no store id", code: undefined };
    if (storeCode.length > 64) return { reason: `store id of ${storeCode.length} characters`, code: undefined };
    const context = this.#context;
    context.seenCodes.add(comparableCode(storeCode));
    return {
      line,
      storeCode,
      chainId: cleanText(texts[STORE.chainId]),
      chainName: cleanText(texts[STORE.chainName]),
      subChainCode: cleanText(texts[STORE.subChainCode]),
      subChainName: cleanText(texts[STORE.subChainName]),
      checkDigit: cleanText(texts[STORE.checkDigit]),
      storeType: cleanText(texts[STORE.storeType]),
      name: cleanText(texts[STORE.name]),
      address: cleanText(texts[STORE.address]),
      city: cleanText(texts[STORE.city]),
      zipCode: cleanText(texts[STORE.zipCode]),
      latitude: quantityOf(context, "latitude", texts[STORE.latitude], line),
      longitude: quantityOf(context, "longitude", texts[STORE.longitude], line),
      updatedAt: lastUpdateOf(context, texts[STORE.lastUpdateDate], texts[STORE.lastUpdateTime], line),
      extra: this.slots.extra,
    };
  }
}

/** `LastUpdateDate` with or without the time in `LastUpdateTime`; a text that is no date is counted and left out. */
export function lastUpdateOf(
  context: RowContext,
  date: string | undefined,
  time: string | undefined,
  line: number,
): string | undefined {
  const result = context.dates.readPair(date, time);
  if (result !== NO_DATE) return result;
  context.problems.inRow("update time is no date and was left out", line, `${date} ${time ?? ""}`);
  return undefined;
}

/** What stands above a store: its sub-chain, and the header of the file. Fills only what the row itself leaves out. */
export function inheritStore(
  row: StoreRow,
  subChain: Readonly<Record<string, string>>,
  header: Readonly<Record<string, string>>,
  context: RowContext,
): void {
  row.chainId ??= subChain["chainId"] ?? header["chainId"];
  row.chainName ??= subChain["chainName"] ?? header["chainName"];
  row.subChainCode ??= subChain["subChainId"] ?? header["subChainId"];
  row.subChainName ??= subChain["subChainName"] ?? header["subChainName"];
  const dated = subChain["lastUpdateDate"] === undefined ? header : subChain;
  row.updatedAt ??= lastUpdateOf(context, dated["lastUpdateDate"], dated["lastUpdateTime"], row.line);
}
