/** Every bound of the friends book, with its reason. */

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** Doors at once: each is an onion service of its own that has to be kept published. */
export const MAX_OPEN_INVITES = 4;
/** An invite for one person: it may wait for a weekend away. */
export const INVITE_LIFE_MS = 7 * DAY_MS;
/** Shorter than that, tor may not even have published the door. */
export const MIN_INVITE_LIFE_MS = 10 * 60 * 1000;
/** A private one names a one-time prekey whose secret is kept as long. */
export const MAX_PRIVATE_INVITE_LIFE_MS = 30 * DAY_MS;
/** A public one may be printed on a card. */
export const MAX_PUBLIC_INVITE_LIFE_MS = 365 * DAY_MS;
/** A private door stays for so long after its invite was used, for the case that the acknowledgement was lost. */
export const USED_INVITE_LIFE_MS = DAY_MS;

/** A request is answered in this time, or never: keys and places are not held for longer. */
export const REQUEST_LIFE_MS = 14 * DAY_MS;
/** Who asked waits longer than who was asked, so that an answer in the last hour still finds both. */
export const ANSWER_GRACE_MS = 2 * DAY_MS;
/** Who asks and is not answered yet: more than a person looks through. */
export const MAX_ASKING = 100;
/** Of them through public doors, where anybody can knock: the oldest goes, and private invites keep their room. */
export const MAX_ASKING_PUBLIC = 50;

/** tor publishes an onion with 128 client keys; with 400 it never does (measured). */
export const MAX_CLIENT_KEYS = 128;
/** Login keys that are tried on one link: a frame has room for so many. */
export const MAX_LOGIN_KEYS = 4;
/** An old home is needed until all friends know the new one, or for so long: who is away longer is dialed from here. */
export const OLD_HOME_LIFE_MS = 14 * DAY_MS;
/** Homes at once, the current one included: each old one is one more onion service. */
export const MAX_HOMES = 4;

/** Characters of a profile id that name somebody: 32 bits, so two of a thousand share them once in 10,000 books. */
export const MIN_ID_PREFIX = 8;
