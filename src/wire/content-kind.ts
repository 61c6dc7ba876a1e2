/**
 * The first byte of every content that is sent end to end, and who reads it. docs/wire.md, "Contents". A content
 * without bytes is a reply of the ratchet and no content. What a newer version says under a kind that is not listed
 * is acknowledged and ignored.
 *
 * Messages are numbered by their sender and stay in the history; all others are notices: they say how something is
 * now, so only the newest counts, and one that comes twice changes nothing.
 */

export const CONTENT_KIND = {
  // messages: chat-content.ts
  text: 0x01,
  edit: 0x02,
  delete: 0x03,
  reaction: 0x04,
  attachment: 0x05,
  timer: 0x06,
  /** Stands for a message that its sender holds no more. */
  gone: 0x07,
  // notices of the chat: chat-notice.ts
  part: 0x20,
  receipt: 0x21,
  resend: 0x22,
  restored: 0x23,
  echo: 0x24,
  // notices about people: friend-content.ts, profile-content.ts
  request: 0x30,
  accept: 0x31,
  home: 0x32,
  profile: 0x38,
  picture: 0x39,
} as const;

export type ContentKind = keyof typeof CONTENT_KIND;

const NAMES: ReadonlyMap<number, ContentKind> = new Map(
  Object.entries(CONTENT_KIND).map(([name, byte]) => [byte, name as ContentKind]),
);

/** What a content is, by its first byte; null where it is empty or of a kind that this version does not know. */
export function contentKindOf(content: Uint8Array): ContentKind | null {
  return NAMES.get(content[0] ?? 0) ?? null;
}
