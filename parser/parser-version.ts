/** Raised when the parser's output changes for the same bytes: a replay then loads files whole under new batch ids. */
export const PARSER_VERSION = 2;
