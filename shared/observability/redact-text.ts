import { redactUrl } from "./log.ts";

/** Every http(s), ftp(s) or postgresql URL inside a text without user, password, query and fragment. */
export function redactUrlsIn(text: string): string {
  return text.replace(/\b(?:https?|ftps?|postgres(?:ql)?):\/\/[^\s"'<>)]+/g, (url) => redactUrl(url));
}
