/** Limits of `/kith/say/1`, each with its reason. */

/** One message: far above a document or photo album, far below what fills a disk unnoticed. */
export const SAY_MAX_BYTES = 1024 ** 3;

/** Everything unread together: anybody who knows the onion can send, so they share one budget. */
export const INBOX_MAX_BYTES = 4 * 1024 ** 3;

/** Messages in one inbox: keeps directory listings and start-up scans fast. */
export const INBOX_MAX_MESSAGES = 10_000;

/** Messages being received at a time, of all senders: bounds open files and buffers (about 0.3 MB each). */
export const SAY_MAX_CONCURRENT = 32;

/** When all places are taken, a message this old (ms) may lose its place to a new one, the slowest first. */
export const SAY_SECURE_PLACE_MS = 5000;

/** A sender silent for this long (ms) is gone; a frozen tor of 30 s must fit in. */
export const SAY_IDLE_MS = 90_000;

/** After the last byte, how long (ms) to wait for the other side's disk and the receipt. */
export const SAY_RECEIPT_MS = 120_000;

/** Disk writes are grouped to this size, bytes: fewer system calls, still little memory per message. */
export const SAY_WRITE_BYTES = 256 * 1024;

/** Read and thrown away after a refusal, bytes: what can be under way in one Tor circuit, with room. */
export const SAY_DISCARD_BYTES = 8 * 1024 * 1024;

/** The whole time (ms) for that: a refused sender must not keep a place by being slow. */
export const SAY_DISCARD_MS = 10_000;

/** How long (ms) failing dials are repeated: a restarted tor is reachable again well within it. */
export const CONNECT_PATIENCE_MS = 45_000;

/** Pause (ms) between dials of a waiting person: long enough for a descriptor to be replaced. */
export const CONNECT_RETRY_MS = 1500;
