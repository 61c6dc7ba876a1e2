/** Every bound of a persona, with its reason; those of libp2p itself are in `connection-defaults.ts`. */

/** Two connections to one peer: both may be in use by protocols that began before the second was there. */
export const DUPLICATE_GRACE_MS = 30_000;

/** Share of all connections that is kept free, 8 of 80: so many can come in the time that it takes to cut as many. */
export const FREE_SHARE = 0.1;

/** A newcomer is not cut before it could ask for something: identify and a first stream are two slow round trips. */
export const NEWCOMER_MS = 6_000;

/** A peer that asked for nothing this long is cut. Longer than a batch of a scout (2.5 min); gossip streams stay open. */
export const IDLE_MS = 3 * 60_000;

/** How often that is looked at. A peer that asks now and then may be cut for not being seen, and can dial again. */
export const IDLE_LOOK_MS = 10_000;

/** Protocols that a peer may say it speaks: ours has about ten; libp2p would keep all that fit into 80 KiB. */
export const PEER_PROTOCOLS = 64;

/** Characters of a protocol name: the longest of ours has 30. */
export const PROTOCOL_NAME_CHARACTERS = 128;

/** Bytes of an identify message: 64 protocols of 128 characters. */
export const IDENTIFY_MESSAGE_BYTES = 8 * 1024;

/** An answer to identify or ping: two slow round trips. libp2p's 5 s would lose peers that are reachable. */
export const ANSWER_TIMEOUT_MS = 30_000;

/**
 * A peer that was not heard of this long is forgotten, and so is its address, which costs nothing to compute anew.
 * libp2p's 6 h and 1 h would empty the routing table over a night; more would only lengthen a list of contacts.
 */
export const PEER_AGE_MS = 3 * 24 * 60 * 60_000;

/** Rule breakers that are remembered: at 200 bytes each, more than can be connected many times over. */
export const REFUSED_PEERS = 1_024;
