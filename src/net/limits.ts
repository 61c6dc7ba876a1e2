/** Every bound of the links, with its reason. The acceptor takes smaller ones from tests and small machines. */

/** The dialer's wait from the open circuit to the peer's proof: a slow circuit has 3 s round trips, a busy peer a queue. */
export const DIAL_HANDSHAKE_TIMEOUT_MS = 60_000;

/** From accept to a whole message 1: it travels right behind the connect, so even slow circuits bring it in seconds. */
const MESSAGE_1_TIMEOUT_MS = 10_000;

/** From message 2 to a whole message 3: one round trip of a bad circuit (3 s) several times over. */
const MESSAGE_3_TIMEOUT_MS = 20_000;

/** Inbound handshakes at once. About 12 KiB each, so 1,024 stay well inside a small node's memory. */
const MAX_PENDING_HANDSHAKES = 1_024;

/** A refused connection is held, unread, this long: an attacker who reopens at once is slowed to this rhythm. */
const TARPIT_MS = 5_000;

/** Refused connections held at once, oldest closed first: each costs a descriptor and about 6 KiB. */
const MAX_TARPIT = 1_024;

/** How often deadlines are looked at: their precision, and nothing runs while nothing is pending. */
const SWEEP_INTERVAL_MS = 250;

/** Authenticated inbound channels at once: keys are free, so this is the wall, at about 100 KiB each when busy. */
const MAX_OPEN_CHANNELS = 256;

/** Authenticated inbound channels of one key: more than an honest peer uses (one libp2p, a few raw). */
const MAX_OPEN_CHANNELS_PER_KEY = 8;

/** Authenticated channels that are being told no at once (unknown protocol, busy); others are dropped without a word. */
const MAX_REFUSING_CHANNELS = 64;

/**
 * How long a channel is read on after its handler returned, so that the peer's last bytes do not reset the socket.
 * Twice the 30 s for which a tor may stand still.
 */
export const DRAIN_TIMEOUT_MS = 60_000;

/** Bytes thrown away in that time before the connection is dropped. */
export const DRAIN_BYTES = 1024 * 1024;

/** How long the flush at the end of a channel may take before the socket is dropped: as above. */
export const RELEASE_TIMEOUT_MS = 60_000;

/** Data bytes of one record: a Noise message (65,535) without tag (16) and type (1). */
export const MAX_RECORD_DATA_BYTES = 65_535 - 16 - 1;

/** The sender replaces its key after this many records: far below what ChaCha20-Poly1305 allows. */
export const REKEY_RECORDS = 2 ** 20;

/** The sender replaces its key after this many bytes, so that a stolen key opens at most this much. */
export const REKEY_BYTES = 2 ** 30;

/** The sender replaces its key at the first record after this time. */
export const REKEY_INTERVAL_MS = 60 * 60_000;

/** The receiver refuses records this many times past the sender's limits: a peer that never rekeys is not ours. */
export const REKEY_TOLERANCE = 2;

/** Bytes that wait between a libp2p stream and the channel before the faster side is told to wait. */
export const STREAM_HIGH_WATER_BYTES = 256 * 1024;

/** What one acceptor may use. */
export interface AcceptorLimits {
  readonly pending: number;
  readonly message1Ms: number;
  readonly message3Ms: number;
  readonly tarpit: number;
  readonly tarpitMs: number;
  readonly sweepMs: number;
  readonly open: number;
  readonly openPerKey: number;
  readonly refusing: number;
}

export const ACCEPTOR_LIMITS: AcceptorLimits = {
  pending: MAX_PENDING_HANDSHAKES,
  message1Ms: MESSAGE_1_TIMEOUT_MS,
  message3Ms: MESSAGE_3_TIMEOUT_MS,
  tarpit: MAX_TARPIT,
  tarpitMs: TARPIT_MS,
  sweepMs: SWEEP_INTERVAL_MS,
  open: MAX_OPEN_CHANNELS,
  openPerKey: MAX_OPEN_CHANNELS_PER_KEY,
  refusing: MAX_REFUSING_CHANNELS,
};
