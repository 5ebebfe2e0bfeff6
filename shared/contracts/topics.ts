import type { FileType } from "./file-identity.ts";

/** Every topic, its consumer group and its size. Bus, compose file and Kubernetes manifests are held equal to this table. */
export const TOPICS = {
  discovered: "gogobe.files.discovered",
  downloaded: "gogobe.files.downloaded",
  products: "gogobe.products.ingest",
  promotions: "gogobe.promotions.ingest",
  stores: "gogobe.stores.ingest",
} as const;
export type Topic = (typeof TOPICS)[keyof typeof TOPICS];

export const GROUPS = { downloader: "downloader", parser: "parser", writer: "writer" } as const;
export type Group = (typeof GROUPS)[keyof typeof GROUPS];

/** The one consumer group of each topic. */
export const GROUP_OF_TOPIC: Record<Topic, Group> = {
  [TOPICS.discovered]: GROUPS.downloader,
  [TOPICS.downloaded]: GROUPS.parser,
  [TOPICS.products]: GROUPS.writer,
  [TOPICS.promotions]: GROUPS.writer,
  [TOPICS.stores]: GROUPS.writer,
};

/** The largest message that topics and clients allow, in bytes. A single row above it is rejected by the parser. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** A batch closes at this many rows or bytes of JSON, whichever comes first. */
export const BATCH_MAX_ROWS = 500;
export const BATCH_MAX_BYTES = 256 * 1024;

/** Where a message goes when its attempts are used up. */
export function deadLetterTopicOf(topic: string): string {
  return `${topic}.dlq`;
}

/** The ingest topic of a file type. */
export function ingestTopicOf(fileType: FileType): Topic {
  if (fileType === "stores") return TOPICS.stores;
  return fileType === "promo" || fileType === "promo-full" ? TOPICS.promotions : TOPICS.products;
}
