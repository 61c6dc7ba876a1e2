/** Sizes and times of the private network, each with its reason. */

/** Two of three authorities make a consensus; one may die and the network lives. */
export const AUTHORITIES = 3;

/** With the authorities, which are relays too, seven hops to choose from: guards, two layers of middles, three introduction points. */
export const RELAYS = 4;

/** A network that is not ready by then will not be: the measured time is below 15 s. */
export const READY_TIMEOUT_MS = 90_000;

/** Addresses and ports are drawn, not probed; a clash is unlikely and is answered by drawing anew. */
export const LAUNCH_ATTEMPTS = 3;

/** Below the ports that Linux hands out to outgoing connections (32,768 and up). */
export const PORTS = { from: 10_000, to: 32_000 } as const;

/**
 * Interval of the first consensus, until there is one. It must divide half an hour, and below 8 s tor gives voting
 * and signing one second each.
 */
export const FIRST_VOTING_INTERVAL_S = 6;

/** Later consensuses: often enough to repair a network after a pause, seldom enough to cost nothing. */
export const VOTING_INTERVAL_S = 20;

/** Generating a 3,072-bit key takes about a second of one core. */
export const KEY_TIMEOUT_MS = 60_000;

/** The reaper kills by pid and removes one directory; it takes tens of milliseconds. */
export const REAPER_TIMEOUT_MS = 10_000;

/** testnet.json is a few KiB. */
export const MAX_RECORD_BYTES = 64 * 1024;

/** A broken circuit is noticed about this much later than on a busy network. */
export const TRAFFIC_INTERVAL_MS = 1_000;

/** A relay that asked for the consensus a moment too early is told to ask again this often. */
export const NUDGE_INTERVAL_MS = 1_500;

/** How often to look whether the consensus lists all relays. */
export const CONSENSUS_POLL_MS = 250;
