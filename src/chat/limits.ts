/** Every bound of the chat, with its reason. Sizes of messages are in wire/chat-content.ts. */

/** Messages of one page that a caller may ask for: what a screen shows, a few times over. */
export const MAX_PAGE_MESSAGES = 200;
export const DEFAULT_PAGE_MESSAGES = 50;

/** Rows read at once by walks over a history: some 100 KiB. */
export const WALK_ROWS = 200;

/** Chains of one contact and side: one for each restore. More is a fault or an attack on our disk. */
export const MAX_CHAINS = 250;

/** With so many chains nobody begins another in the name of a proven friend without being proven: the rest is the friend's. */
export const MAX_UNPROVEN_CHAINS = 32;

/** A message may be so many numbers ahead of the last one: far more than a life of messages lost at once. */
export const MAX_AHEAD = 1_000_000;

/** So many missing messages get a place each, where they will stand when they come; more share one place. */
export const MAX_PLACES = 1_024;
/** Such places of one contact that are open at a time, over all its chains: a few MB at most. Beyond it they share. */
export const MAX_OPEN_PLACES = 4_096;

/** Gaps of one chain that are open at a time. Beyond it the two nearest count as one. */
export const MAX_GAPS = 64;

/** How long (ms) a missing message may simply be late before it is asked for. */
export const ASK_AFTER_MS = 10_000;
/** Asked again after this (ms), doubled each time, up to the second: the answer waits in the other's outbox anyway. */
export const ASK_AGAIN_MS = 10 * 60_000;
export const ASK_AGAIN_MAX_MS = 24 * 3_600_000;
/** The same for parts of an attachment, which come behind it one by one: later, and no longer than mail lives. */
export const ASK_PARTS_AFTER_MS = 2 * 60_000;
export const ASK_PARTS_AGAIN_MS = 3_600_000;
export const ASK_PARTS_UNTIL_MS = 14 * 24 * 3_600_000;
/** Ranges in one asking, and ranges that one contact may make us owe: more are asked for later. */
export const MAX_ASKED_RANGES = 16;

/** Messages sent again at a time; the next follow when the last of them is kept, so an outbox never holds a history. */
export const RESEND_BATCH = 64;
/** A contact is answered at most so many `restored` in this time (ms), one more as each such time goes by: each may send a whole history. */
export const RESTORED_EVERY_MS = 24 * 3_600_000;
export const RESTORED_BURST = 3;

/** What others say of the time (ms) counts as at most so much after ours: clocks differ, and nobody is to have the last word for ever. */
export const MAX_CLOCK_AHEAD_MS = 5 * 60_000;

/** Changes (edits, reactions) of one message that are remembered; more edits are refused here. */
export const MAX_CHANGES = 100;
/** Changes that wait for one message that has not come. */
export const MAX_WAITING_CHANGES = 32;
/** Messages that have changes waiting, per contact: they come before their targets only when those were overtaken. */
export const MAX_WAITING_TARGETS = 512;

/** Parts of attachments whose message has not come, per contact: two large attachments (about 420 KB). */
export const MAX_ORPHAN_PARTS = 28;

/** Chains and conversations that are kept decoded: those of all friends of a node; some 300 bytes each. */
export const KEPT_ROWS = 512;

/** Longest time (s) after which messages may disappear: a year. */
export const MAX_LIFETIME_S = 366 * 86_400;

/** Messages in one block of the search: a block is some 30 KB, opened in well under a millisecond. */
export const BLOCK_MESSAGES = 256;
/** Text (bytes, folded) of one message that is searched. */
export const MAX_SEARCHED_BYTES = 16_384;
/** Characters of a query. */
export const MAX_QUERY_CHARS = 200;

/** Characters of one line of an import: the largest attachment in base64 and the longest text, with room. */
export const MAX_LINE_CHARS = 400_000;
/** Messages of one import: all of it is one transaction, and its rows stay in memory until the end. */
export const MAX_IMPORT_LINES = 1_000_000;

/** Batches of 200 that are due, done in one go before others get their turn: about a second. */
export const DUE_BATCHES = 25;
/** When (ms) to try again to ask or to answer while the outbox is full. */
export const LATER_MS = 3_600_000;
