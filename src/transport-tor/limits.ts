/** Every bound of the transport, with its reason. Tests inject smaller ones where a type below allows it. */

/** Onion dials that run at once in one tor: it queues beyond 32 circuits, and each dial takes up to four. */
export const PARALLEL_DIALS = 8;

/** Of these, kept free for user actions: eight dead onions must not make a person wait. */
export const URGENT_DIALS = 2;

/** Dials that wait. A caller with more work than this should ask again later, not fill memory. */
export const QUEUED_DIALS = 512;

/** Urgent dials may wait in this many places more. */
export const QUEUED_URGENT_DIALS = 64;

/** A dial that waited this long goes before recently reachable onions, so that nobody starves. */
export const QUEUE_PATIENCE_MS = 60_000;

/** First pause after a failed dial; doubled by each further failure. */
export const BACKOFF_FIRST_MS = 2_000;

/** A descriptor is renewed hourly at the latest: knocking less often than every 15 min misses returns. */
export const BACKOFF_MAX_MS = 15 * 60_000;

/** Pauses shorter than this are waited out in the queue, longer ones are told to the caller at once. */
export const BACKOFF_WAIT_MS = 5_000;

/** Onions whose reachability is remembered, least recently dialed forgotten first: about 200 bytes each. */
export const REMEMBERED_ONIONS = 4_096;

/** Pause before the one more try that a transient failure gets: directories have a descriptor in about this time. */
export const RETRY_PAUSE_MS = 500;

/**
 * A second try on another circuit starts beside a dial that takes this long: most dials of the public network are
 * through by then, and a killed tor is reachable again, so that with it a restart is survived within 20 s.
 */
export const HEDGE_AFTER_MS = 8_000;

/** tor closes a failed stream in the same turn as its reply; one that is still open after this has not failed. */
export const FALSE_ERROR_GRACE_MS = 250;

/** tor itself gives up a stream after 120 s (SocksTimeout); later answers would find nobody. */
export const DIAL_TIMEOUT_MS = 120_000;

/** Connections the kernel may hold for us: tor opens them in bursts under attack (Linux caps at somaxconn). */
export const ENDPOINT_BACKLOG = 4_096;

/** Sockets of one endpoint that may be open: a last wall, the acceptor refuses far earlier. */
export const ENDPOINT_SOCKETS = 4_096;

/** Length of a unix socket path that every system takes (macOS: 104 bytes with the closing zero). */
export const SOCKET_PATH_BYTES = 103;

/** Bytes that a libp2p connection queues before it tells the muxer to wait: two TLS-sized bursts of 64 KiB frames. */
export const SEND_HIGH_WATER_BYTES = 256 * 1024;

/** The muxer may go on when fewer bytes wait: half, so that the channel never runs dry. */
export const SEND_LOW_WATER_BYTES = 128 * 1024;

/** How long a closed connection waits for the other side to close too: one slow round trip over tor. */
export const CLOSE_LINGER_MS = 10_000;

/** Bytes that a muxed stream may have under way: at 600 ms round trip 1.7 MB/s, what one circuit carries. */
export const STREAM_WINDOW_BYTES = 1024 * 1024;

/** What node takes from a socket ahead of its reader: small, because thousands may be open before a handshake. */
export const SOCKET_READ_BYTES = 16 * 1024;

/** Longest interval a timer can have, 24.8 days: yamux pings once when a connection opens, then never. */
export const YAMUX_PING_INTERVAL_MS = 2 ** 31 - 1;

/** How long a closing listener waits for connections that are being closed in order: libp2p gives them 500 ms. */
export const STOP_GRACE_MS = 1_000;
