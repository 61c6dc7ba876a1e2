/** Every bound of the doors, with its reason. Times in milliseconds. */

const MINUTE_MS = 60_000;

/** Bundles a door gives out: each is read from memory, so this bounds traffic alone. One a second. */
export const BUNDLES_BURST = 60;
export const BUNDLES_INTERVAL_MS = MINUTE_MS / 60;

/** Requests at a private door that get as far as cryptography: one person knocks, and its node repeats itself. */
export const PRIVATE_BURST = 6;
export const PRIVATE_INTERVAL_MS = MINUTE_MS / 6;

/** The same at a public door: each costs some milliseconds, and 50 may wait for an answer at all. */
export const PUBLIC_BURST = 30;
export const PUBLIC_INTERVAL_MS = MINUTE_MS / 30;

/** Requests on their way in at one door, the oldest going first: each may hold 17 KB. */
export const MAX_KNOCKING = 16;

/** From the channel to a whole request or bundle, and to the answer: 16 KB through a slow circuit, and a tor that stands still for 30 s. */
export const DOOR_TIMEOUT_MS = 60_000;

/** Requests remembered as kept, so that one whose answer was lost is answered the same: as many as may come in two minutes. */
export const KEPT_REMEMBERED = 64;

/** Pause before a door that did not open is tried again; doubles up to the longest. */
export const REOPEN_MIN_MS = 5_000;
export const REOPEN_MAX_MS = 5 * MINUTE_MS;
