/** Every bound of delivery, with its reason. */

import { contentCapacity } from '../kem/ratchet-message.ts';
import { OPENING_CONTENT_BYTES } from '../kem/kx1.ts';
import { HEAD_BYTES } from './content-head.ts';

/** The largest message. */
const MAX_MESSAGE_BYTES = 16_256;

/** Largest content: it shares the largest message with its head. */
export const MAX_CONTENT_BYTES = contentCapacity(MAX_MESSAGE_BYTES) - HEAD_BYTES;

/** Largest content that goes along with an opening, whose bundle takes most of the room. */
export const MAX_OPENING_CONTENT_BYTES = OPENING_CONTENT_BYTES - HEAD_BYTES;

/** Unacknowledged contents of a contact: half a MiB in the circuit, and no more work than that to do again. */
export const WINDOW = 32;

/** Unacknowledged contents while nobody has answered: each is a whole envelope that costs the other side a KEM. */
export const OPENING_WINDOW = 1;

/** Contents that wait for one contact: months of messages, and a bound for what a loop in a bot can fill. */
export const MAX_WAITING = 20_000;

/** Contents under one key at once: one that waits, and what of it was encrypted before and is not acknowledged. */
export const MAX_SLOTS = WINDOW + 1;

/** Streams of a contact whose place is known: it begins one with each restore. What an older one repeats shows twice. */
export const MAX_STREAMS = 4;

/** Pair keys of a contact: two sessions that were opened at once, and the one before. */
export const MAX_PAIR_KEYS = 3;

/** Between two openings to a contact that knows none of them: an opening costs both sides, and may start a contest. */
export const REOPEN_MIN_MS = 60_000;
export const REOPEN_MAX_MS = 60 * 60_000;

/** Until what the other side had no room for is sent again, on the same way. */
export const BUSY_MIN_MS = 1_000;
export const BUSY_MAX_MS = 60_000;

/** Until a way that failed and is still there is tried again: a door that is dialed anew each time. */
export const LOST_MIN_MS = 2_000;
export const LOST_MAX_MS = 5 * 60_000;

/** Between two times that a contact may make us begin anew: each renumbers all that waits for it. */
export const ROLLED_BACK_INTERVAL_MS = 60 * 60_000;

/** Openings of one contact over links that get as far as cryptography: each costs a KEM and a row; more after a minute. */
export const OPENINGS_BURST = 8;
export const OPENINGS_INTERVAL_MS = 60_000;

/** First contacts that are remembered under one set of prekeys, about 4 MiB: more have to wait for the next set. */
export const MAX_REPLAYS = 16_384;

/** Those of them that strangers get, who come to a door with no one-time prekey: the rest is for friends and invited. */
export const MAX_STRANGER_REPLAYS = (3 * MAX_REPLAYS) / 4;

/** Between two sets of prekeys that are made because strangers have filled the one before. */
export const FULL_ROTATE_MS = 24 * 60 * 60_000;

/** Nobody sends so many: who claims to have seen more lies. Far below the 48 bits of a count. */
export const MAX_BELIEVED_COUNT = 2 ** 40;

/** Counts that a second of the clock is worth where a count begins: more than anybody sends for long. */
export const COUNTS_PER_SECOND = 64;

/** From what a contact has given back to where an old copy goes on: other copies may have counted further by as much. */
export const COUNT_LEAP = 2 ** 16;

/** Rows read at once by a walk; an outbox row has up to 15 KiB. */
export const WALK_ROWS = 64;
