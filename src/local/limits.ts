/** Limits of the local socket, each with its reason. */

/** One JSON line, bytes: the largest attachment or a `say.write` in base64 (267 KiB), with room for the rest. */
export const RPC_LINE_MAX_BYTES = 512 * 1024;

/** Content per `say.write`, bytes before base64. */
export const SAY_CHUNK_BYTES = 192 * 1024;

/** Answers (bytes) a client may leave unread before no more of its requests are read: two of the longest lines. */
export const RPC_UNREAD_MAX_BYTES = 1024 * 1024;

/**
 * Events (bytes) a client may leave unread before it is disconnected: they are dropped with the connection and never
 * one by one, so that whoever is connected has missed nothing.
 */
export const RPC_EVENTS_UNREAD_MAX_BYTES = 8 * 1024 * 1024;

/** How long (ms) a stopping server waits for clients to take their last answers: a local reader needs less. */
export const RPC_FLUSH_MS = 500;

/** Clients at a time: command lines and a UI, never hundreds. */
export const RPC_MAX_CLIENTS = 64;

/** Items of one answer, bytes of JSON: half a line, so that one more item of any size still fits the line. */
export const RPC_PAGE_BYTES = RPC_LINE_MAX_BYTES / 2;

/** Messages in one answer: what a screen scrolls through at once. */
export const HISTORY_PAGE_MAX = 200;

/** Events a client keeps (count) for a reader that does not come for them, before the reading fails. */
export const EVENTS_WAITING_MAX = 10_000;

/** One import, characters: it is one transaction, and in memory until then. Longer files are imported in parts. */
export const IMPORT_MAX_CHARS = 128 * 1024 * 1024;

/** One line of an import, bytes as JSON: what the rest of a call leaves of its line. */
export const IMPORT_LINE_MAX_BYTES = RPC_LINE_MAX_BYTES - 1024;

/** Readers of the metrics at a time: one Prometheus and somebody who looks. */
export const METRICS_CONNECTIONS_MAX = 8;

/** How long (ms) one request for the metrics may take to arrive. */
export const METRICS_REQUEST_MS = 10_000;
