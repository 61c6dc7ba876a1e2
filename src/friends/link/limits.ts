/** Every bound of the links between friends, with its reason. Times in milliseconds. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Links at once: as many as a home onion has client keys. */
export const MAX_LINKS = 128;

/** Accepted channels that have not logged in, at once, the oldest going first: an honest login is there with its first bytes. */
export const MAX_GUESTS = 16;

/** From the channel to a whole login, and from there to the greeting: a tor may stand still for 30 s. */
export const LOGIN_TIMEOUT_MS = 45 * SECOND_MS;

/** A refused login is ended this long after it came, whatever the refusal took to compute. */
export const REFUSAL_MS = SECOND_MS;

/** Login keys that one side offers or tries: 3 pair keys and a provisional one. */
export const MAX_LOGIN_KEYS = 4;

/** Two links of one contact this close together were dialed across each other; later the older one is dead. */
export const CROSSING_MS = 30 * SECOND_MS;

/** How long a link that is given up is kept open, so that the other side sees the end. */
export const FAREWELL_MS = 5 * SECOND_MS;

/* ---- frames ---- */

/** Answers and notices that wait to be written: an honest peer has at most 32 messages on their way. */
export const MAX_WAITING_ANSWERS = 64;

/** Pings and presences of a peer: one a minute is usual; this many at once, and one more each second. */
export const NOTICE_BURST = 60;
export const NOTICE_INTERVAL_MS = SECOND_MS;

/** Bundles of a peer: it makes one a week, and each costs us the check of two signatures. */
export const BUNDLE_BURST = 4;
export const BUNDLE_INTERVAL_MS = 60 * MINUTE_MS;

/* ---- keeping a link ---- */

/** Between pings: shorter than NATs and tor relays drop silent circuits. Drawn anew each time. */
export const PING_MIN_MS = 60 * SECOND_MS;
export const PING_MAX_MS = 90 * SECOND_MS;

/** Anything must come in this time after a ping: a tor may stand still for 30 s, and a circuit take its time behind it. */
export const PING_ANSWER_MS = 45 * SECOND_MS;

/** A link that was heard on this recently need not be tried because somebody waits. */
export const FRESH_MS = 15 * SECOND_MS;

/** A message without a verdict for so long, while pings are answered: start over on a new link. */
export const VERDICT_TIMEOUT_MS = 3 * MINUTE_MS;

/** A change of presence is told each friend after up to this: who watches two friends learns less of the moment. */
export const PRESENCE_JITTER_MS = 20 * SECOND_MS;

/** How often "last reached" of an open link is written down: a crash loses this much of it. */
export const REACHED_SAVE_MS = 15 * MINUTE_MS;

/* ---- dialing ---- */

/** Dials of ours at once, beside urgent ones: as many as one tor takes. */
export const MAX_DIALS = 8;

/** A friend's new home is dialed at once this seldom, else when it is its turn: they choose the onion, and the moment. */
export const MOVE_INTERVAL_MS = 10 * MINUTE_MS;

/** Longest pause between two first dials after a start. */
export const START_SPACING_MS = 500;

/** First pause after a failure; doubles with each further one. */
export const BACKOFF_MIN_MS = 5 * SECOND_MS;
/** Longest pause for a friend who was reached in the last {@link RECENT_MS}. */
export const BACKOFF_RECENT_MS = 2 * MINUTE_MS;
/** Longest pause for all others. */
export const BACKOFF_MAX_MS = 15 * MINUTE_MS;
export const RECENT_MS = DAY_MS;

/** A link that lasted this long, or carried something, was no failure. */
export const SOUND_AFTER_MS = MINUTE_MS;

/** A lost link is dialed again after up to this by the side whose home key is lower ... */
export const REDIAL_FIRST_MS = 2 * SECOND_MS;
/** ... and after this much more by the other, so that they seldom cross. */
export const REDIAL_SECOND_MS = 5 * SECOND_MS;

/** Pause after a failure to learn whether tor is ready. */
export const READY_RETRY_MS = 5 * SECOND_MS;
