/** Limits of the local socket, each with its reason. */

/** One JSON line, bytes: a `say.write` of {@link SAY_CHUNK_BYTES} in base64, with room for the rest. */
export const RPC_LINE_MAX_BYTES = 512 * 1024;

/** Content per `say.write`, bytes before base64. */
export const SAY_CHUNK_BYTES = 192 * 1024;

/** Answers (bytes) a client may leave unread before no more of its requests are read: two of the longest lines. */
export const RPC_UNREAD_MAX_BYTES = 1024 * 1024;

/** How long (ms) a stopping server waits for clients to take their last answers: a local reader needs less. */
export const RPC_FLUSH_MS = 500;

/** Clients at a time: command lines and a UI, never hundreds. */
export const RPC_MAX_CLIENTS = 64;
