const ZERO = 0x30;

/** GTIN-13 prefixes that never name one product for everybody: restricted circulation, coupons and refund slips. */
function isRestricted13(digits: string): boolean {
  const first = digits.charCodeAt(0) - ZERO;
  const second = digits.charCodeAt(1) - ZERO;
  // 2x: in-store. 02, 04: the same as UPC-A number systems 2 (weighed) and 4 (in-store). 05, 98, 99: coupons and refunds.
  if (first === 2) return true;
  if (first === 0) return second === 2 || second === 4 || second === 5;
  return first === 9 && (second === 9 || (second === 8 && digits.charCodeAt(2) - ZERO <= 4));
}

/**
 * The 14-digit GTIN of an item code, or undefined when the code is the chain's own. A code is a GTIN with 8, 12, 13 or 14 digits
 * and a right check digit; 11 digits are a UPC-A that lost its leading zero. Restricted prefixes are never one, nor is a short
 * number padded with zeros: its check digit is right by chance in one of ten, and a false merge is worse than a missed one.
 */
export function gtin14(code: string): string | undefined {
  const length = code.length;
  if (length !== 13 && length !== 12 && length !== 8 && length !== 14 && length !== 11) return undefined;
  // Weights from the right: check digit 1, then 3, 1, 3, …
  let sum = 0;
  let significant = 0;
  for (let i = 0; i < length; i++) {
    const digit = code.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    if (significant === 0 && digit !== 0) significant = length - i;
    sum += (length - i) % 2 === 0 ? digit * 3 : digit;
  }
  if (sum % 10 !== 0 || significant < 8) return undefined;
  const padded = "00000000000000".slice(length) + code;
  if (significant === 8) return code.charCodeAt(length - 8) - ZERO === 2 ? undefined : padded;
  return isRestricted13(padded.slice(1)) ? undefined : padded;
}

/** True for a code of zeros only: a placeholder, not an item. */
export function isPlaceholderCode(code: string): boolean {
  for (let i = 0; i < code.length; i++) if (code.charCodeAt(i) !== ZERO) return false;
  return true;
}
