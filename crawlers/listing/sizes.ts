const SIZE = /(\d[\d,]*(?:\.\d+)?)\s*(bytes|B|KB|MB|GB)(?![a-z])/i;

/**
 * A size as a portal prints it, in one spelling (`1.43 MB`), or null when the text holds none. Printed sizes are rounded: they tell
 * that a file changed, never how many bytes it has.
 */
export function sizeText(text: string): string | null {
  const match = SIZE.exec(text);
  if (!match?.[1] || !match[2]) return null;
  const unit = match[2].toLowerCase() === "bytes" ? "B" : match[2].toUpperCase();
  return `${match[1].replaceAll(",", "")} ${unit}`;
}

/** A column that holds kilobytes without a unit (`1,204.5`), as `1204.5 KB`; null when it is no number. */
export function kilobytesText(text: string): string | null {
  const bare = text.trim().replaceAll(",", "");
  return /^\d+(?:\.\d+)?$/.test(bare) ? `${bare} KB` : sizeText(text);
}
