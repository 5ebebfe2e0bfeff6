import { trimPadding } from "./text.ts";

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const MAX_INTEGER_DIGITS = 15;
const MAX_DECIMALS = 6;

/** Why a text is no usable decimal. */
export type DecimalProblem = "missing" | "not a number" | "negative" | "absurd";
export type DecimalResult = { value: string; problem?: undefined } | { value?: undefined; problem: DecimalProblem };

/**
 * Money as exact decimal text with at least two decimals ("12.90", "12.00", "0.1234"); never through a float. The texts of one
 * price file repeat, and most stand in canonical form already: those are returned as they are.
 */
export function readMoney(text: string | undefined): DecimalResult {
  return text !== undefined && isCanonicalMoney(text) ? { value: text } : readDecimal(text, 2);
}

/** Money where a text that is no number only costs this field: undefined. */
export function moneyOrNothing(text: string | undefined): string | undefined {
  if (text === undefined || text.length === 0) return undefined;
  return isCanonicalMoney(text) ? text : readDecimal(text, 2).value;
}

/** A quantity, rate or coordinate: exact decimal text without trailing zeros, sign kept; undefined when it is no number. */
export function decimalOrNothing(text: string | undefined): string | undefined {
  return text === undefined || text.length === 0 ? undefined : readDecimal(text, 0).value;
}

/** True for digits without a leading zero, a dot and exactly two digits. */
export function isCanonicalMoney(text: string): boolean {
  const length = text.length;
  if (length < 4 || length > MAX_INTEGER_DIGITS + 3 || text.charCodeAt(length - 3) !== DOT) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if ((code < ZERO || code > NINE) && i !== length - 3) return false;
  }
  return length === 4 || text.charCodeAt(0) !== ZERO;
}

/**
 * Reads `[-]digits[.digits]`, also `.5` and `5.`, and gives it in one form. Thousands separators never occur in the field and could
 * mean a decimal comma: such a text is no number. More than 15 integer digits, or more than 6 decimals that are not zeros, are absurd.
 */
export function readDecimal(text: string | undefined, minDecimals: number): DecimalResult {
  const trimmed = text === undefined ? "" : trimPadding(text);
  if (trimmed.length === 0) return { problem: "missing" };
  const negative = trimmed.charCodeAt(0) === MINUS;
  const start = negative ? 1 : 0;
  let dot = -1;
  for (let i = start; i < trimmed.length; i++) {
    const code = trimmed.charCodeAt(i);
    if (code === DOT && dot === -1) dot = i;
    else if (code < ZERO || code > NINE) return { problem: "not a number" };
  }
  const integerEnd = dot === -1 ? trimmed.length : dot;
  if (trimmed.length - start - (dot === -1 ? 0 : 1) === 0) return { problem: "not a number" };

  let integerStart = start;
  while (integerStart < integerEnd - 1 && trimmed.charCodeAt(integerStart) === ZERO) integerStart++;
  const decimalsStart = dot === -1 ? integerEnd : dot + 1;
  let decimalsEnd = trimmed.length;
  while (decimalsEnd > decimalsStart && trimmed.charCodeAt(decimalsEnd - 1) === ZERO) decimalsEnd--;
  if (integerEnd - integerStart > MAX_INTEGER_DIGITS) return { problem: "absurd" };

  const integer = integerStart < integerEnd ? trimmed.slice(integerStart, integerEnd) : "0";
  const decimals = trimmed.slice(decimalsStart, decimalsEnd);
  if (decimals.length > MAX_DECIMALS) return { problem: "absurd" };
  const padded = decimals.length < minDecimals ? decimals.padEnd(minDecimals, "0") : decimals;
  const magnitude = padded.length === 0 ? integer : `${integer}.${padded}`;
  const isZero = integer === "0" && decimals.length === 0;
  return { value: negative && !isZero ? `-${magnitude}` : magnitude };
}

/** True for canonical decimal text that equals zero. */
export function isZeroDecimal(decimal: string): boolean {
  for (let i = 0; i < decimal.length; i++) {
    const code = decimal.charCodeAt(i);
    if (code > ZERO && code <= NINE) return false;
  }
  return true;
}

/** `dividend / divisor` as decimal text, rounded half up to 4 decimals, at least 2 shown. Both canonical and positive. */
export function divideDecimals(dividend: string, divisor: string): string {
  const [top, topScale] = scaled(dividend);
  const [bottom, bottomScale] = scaled(divisor);
  const shift = bottomScale - topScale + 4;
  const numerator = shift >= 0 ? top * 10n ** BigInt(shift) : top;
  const denominator = shift >= 0 ? bottom : bottom * 10n ** BigInt(-shift);
  const quotient = (2n * numerator + denominator) / (2n * denominator);
  const digits = quotient.toString().padStart(5, "0");
  return readDecimal(`${digits.slice(0, -4)}.${digits.slice(-4)}`, 2).value ?? "0.00";
}

/** A canonical decimal as a whole number of units of 10^-scale; decimals beyond the scale are cut off. */
export function decimalUnits(decimal: string, scale: number): bigint {
  const [units, decimals] = scaled(decimal);
  return scale >= decimals ? units * 10n ** BigInt(scale - decimals) : units / 10n ** BigInt(decimals - scale);
}

function scaled(decimal: string): [bigint, number] {
  const dot = decimal.indexOf(".");
  if (dot === -1) return [BigInt(decimal), 0];
  return [BigInt(decimal.slice(0, dot) + decimal.slice(dot + 1)), decimal.length - dot - 1];
}
