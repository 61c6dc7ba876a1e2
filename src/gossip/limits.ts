/** Every bound of gossip, with its reason. Values of the mesh are judgement for circuits with 0.6 to 3 s round trips. */

// --- the mesh ---

/** Between mesh repairs and gossip about recent messages: several round trips of a slow circuit. Default 1 s. */
export const HEARTBEAT_MS = 5_000;

/** Circuits are dear, so the mesh is at most this wide. Default 12; D, Dlo, Dout and Dlazy are gossipsub's own. */
export const MESH = { D: 6, Dlo: 4, Dhi: 10, Dout: 2, Dlazy: 6 } as const;

/** Heartbeats for which messages can be asked for, and are told of: a minute, and half of it, as answers take 45 s. */
export const CACHE_HEARTBEATS = 12;
export const GOSSIP_HEARTBEATS = 6;

/** A peer that promised a message has this long, several bad round trips; gossipsub's 3 s blames slow circuits. */
export const PROMISE_MS = 45_000;

/** How long a message is not looked at again. Longer buys nothing, as topics know old messages, and costs memory. */
export const SEEN_MS = 5 * 60_000;

/** How long peers of a topic that this node only publishes to are kept. Default 1 min; announcing is rare. */
export const FANOUT_MS = 5 * 60_000;

/** Longest time a peer can ask not to be grafted: gossipsub would keep any time, for each key, for ever. */
export const MAX_BACKOFF_SECONDS = 10 * 60;

// --- what one peer may send ---

/** Longest frame: the longest list of message ids that gossipsub sends (5,000 of 34 bytes) fits. */
export const MAX_FRAME_BYTES = 256 * 1024;

/** What waits to be sent to one peer: two of the longest frames; a peer that takes nothing loses the stream. */
export const MAX_UNSENT_BYTES = 512 * 1024;

/** Entries of each kind in one frame: we have a handful of topics, and gossipsub sends one list per topic. */
export const MAX_SUBSCRIPTIONS = 64;
export const MAX_CONTROL = 16;
/** Messages in one frame: an answer to a request for all that one heartbeat brings. */
export const MAX_MESSAGES = 1_024;
/** Message ids in one list: gossipsub's own. */
export const MAX_MESSAGE_IDS = 5_000;

/** Ids of one list that are looked at: the messages asked for with them have to fit in one frame. */
export const MAX_REQUEST_IDS = 256;

/** Message ids are SHA-256; gossipsub would keep ids of any length. */
export const MESSAGE_ID_BYTES = 32;

/** Topics of one peer, each priced at about 1 KiB by gossipsub: room for ours, others never get that far. */
export const MAX_TOPIC_BYTES_PER_PEER = 64 * 1024;

/** Bytes of one peer at once and per second: lists of ids and all messages, ten times over. Beyond is an offence. */
export const PEER_BYTES = { burst: 512 * 1024, perSecond: 32 * 1024 } as const;

/** Added to each frame, so that empty ones are not free. */
export const FRAME_COST_BYTES = 64;

/**
 * Messages of one peer at once and per second; what is over is dropped before anything remembers it. Ten thousand
 * public nodes announce once a second together.
 */
export const PEER_MESSAGES = { burst: 256, perSecond: 2 } as const;

/** Streams of one peer at once in each direction: one, and one that takes its place. */
export const MAX_STREAMS = 2;

/** How often the stream to one connected peer is opened, once per heartbeat: a peer that takes none is left alone. */
export const STREAM_TRIES = 5;

// --- offences ---

/** A peer with this many points is disconnected and refused; they decay, so that mistakes are forgiven. */
export const OFFENCE_LIMIT = 100;
export const OFFENCE_DECAY_PER_SECOND = 1 / 60;

/** What no version of the software sends: bytes that are no frame, too many of them, a stranger's signature. */
export const OFFENCE_HOSTILE = 100;
/** What honest software sends at most by a mistake or a race: a few of them are enough. */
export const OFFENCE_SERIOUS = 40;
/** What a newer version could send in good faith, now and then. */
export const OFFENCE_MINOR = 5;

/** Peers whose record is kept, least recently heard first to go: about 200 bytes each. */
export const MAX_RECORDS = 2_048;

/** How long gossipsub keeps the score of a peer that has gone, of any number of them: offenders have their record. */
export const RETAIN_SCORE_MS = 10 * 60_000;

// --- announcements ---

/** How long an announcement says that it is good: the longest that the format allows. */
export const ANNOUNCEMENT_TTL_SECONDS = 48 * 60 * 60;

/** An announcement with less left is not news: the next hops have to find it good too. They renew every 8 h or so. */
export const MIN_REMAINING_SECONDS = 24 * 60 * 60;

/** Between two announcements of a node: several are lost before it is forgotten. */
export const ANNOUNCE_INTERVAL_MS = 8 * 60 * 60_000;

/** Share of the interval that is drawn at random, so that nodes that began together do not stay together. */
export const ANNOUNCE_JITTER = 0.25;

/** Times in announcements are rounded down to this: seconds would tell the skew of the machine's clock. */
export const ANNOUNCEMENT_ROUNDING_SECONDS = 10 * 60;

/** A newer announcement of a known key counts no sooner than this: nodes restart, floods do not pay. */
export const MIN_RENEWAL_SECONDS = 60 * 60;

/** How far in the future an announcement may have been made: with clocks farther apart tor itself does not work. */
export const MAX_CLOCK_SKEW_SECONDS = 60 * 60;

/** Known public nodes, about 500 bytes each: many more than a node ever dials. */
export const MAX_KNOWN = 1_024;

/** Places of the full list that newcomers fight over; the others belong to those known longest. */
export const NEWCOMER_PLACES = 256;

/**
 * Keys not known before that one peer may bring at once and per second (one in 20 s): enough to fill a new node's list
 * from its first peers, little enough that one flooder leaves the others their share.
 */
export const NEWCOMERS_PER_PEER = { burst: 64, perSecond: 0.05 } as const;

/** Announcements told to a new subscriber, at random: it can begin with these. Has to fit in a burst of newcomers. */
export const WELCOME = 32;

/** A subscriber is told so again after this, whatever it does in between. */
export const WELCOME_INTERVAL_MS = 10 * 60_000;
