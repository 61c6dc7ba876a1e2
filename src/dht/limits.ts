/** Every bound of the distributed hash table, with its reason. Stores and servers take smaller ones from tests. */

/* ---- slots: what is kept, for whom, how long ---- */

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** Longest life of a slot: as long as mail waits (14 days). */
export const SLOT_TTL_MS = 14 * DAY_MS;

/** How far a writer's clock may be ahead of ours: clocks set to the wrong day are common, those further off are not. */
export const SLOT_CLOCK_SKEW_MS = DAY_MS;

/** Slots kept: at most 66 MiB of disk and about 6 MiB of index, which a small node can spare. */
const MAX_SLOTS = 16_384;

/** Conflicting pairs kept as evidence, the oldest going first: a signer can make them at will, one of each is enough. */
const MAX_CONFLICTS = 256;

/** New slots from one peer in one epoch: an eighth of the store, which is more than any handle hands on to one peer. */
const NEW_SLOTS_PER_PEER = 2_048;

/** Replaced slots from one peer in one epoch: as above; an update costs a signature check and a write, but no room. */
const UPDATES_PER_PEER = 2_048;

/** Peers counted at once, the least recent forgotten first: about 1 MiB. Ids are free, so more would not help. */
const COUNTED_PEERS = 4_096;

/** How long a count holds: handles live one day. */
const QUOTA_EPOCH_MS = DAY_MS;

export interface SlotStoreLimits {
  readonly slots: number;
  readonly conflicts: number;
  readonly quota: QuotaLimits;
}

export interface QuotaLimits {
  readonly fresh: number;
  readonly updates: number;
  readonly peers: number;
  readonly epochMs: number;
}

export const SLOT_STORE_LIMITS: SlotStoreLimits = {
  slots: MAX_SLOTS,
  conflicts: MAX_CONFLICTS,
  quota: {
    fresh: NEW_SLOTS_PER_PEER,
    updates: UPDATES_PER_PEER,
    peers: COUNTED_PEERS,
    epochMs: QUOTA_EPOCH_MS,
  },
};

/** Rows that a store may come to hold: its slots, its evidence, and the one written before another is evicted. */
export const SLOT_ROWS = MAX_SLOTS + MAX_CONFLICTS + 1;

/** Bytes of those rows: slots of 4,209 bytes with their names, evidence of two of them. */
export const SLOT_ROWS_BYTES = (MAX_SLOTS + 2 * MAX_CONFLICTS + 1) * 4_608;

/** Expired slots are not served; how often their room is taken back. */
export const SWEEP_INTERVAL_MS = HOUR_MS;

/** What one peer may ask of the server. */
export interface ServerLimits {
  readonly streams: number;
  readonly requestsPerStream: number;
  readonly requestMs: number;
  readonly burst: number;
  readonly perSecond: number;
  readonly forgedCost: number;
  readonly heldBackMs: number;
  readonly encodedPeers: number;
}

export const SERVER_LIMITS: ServerLimits = {
  /** Streams of one connection at once: kad-dht opens one for each request, and its lookups run a few in parallel. */
  streams: 8,
  /** Requests of one stream, whose asker we have to wait for: kad-dht and we ask one, more would spare a round trip. */
  requestsPerStream: 4,
  /** From the last answer (or the opening) to a whole request, and from that to the answer taken: bad circuits have 3 s round trips. */
  requestMs: 30_000,
  /** Requests of one connection in a row: a lookup after a pause, or the beginning of a hand-on. */
  burst: 64,
  /** Requests of one connection a second: a hand-on of 2,048 slots takes 4 minutes, 80 busy connections a tenth of a core. */
  perSecond: 8,
  /** What a forged request costs, in good ones: it may have cost us a signature check, and an honest peer sends none. */
  forgedCost: 8,
  /** Longest that a request too many is held back before its stream is reset: the asker's own patience. */
  heldBackMs: 10_000,
  /** Peers whose encoded form is kept: more than a routing table has, about 200 bytes each. */
  encodedPeers: 1_024,
};

/* ---- lookups: whom to ask, how many, how long ---- */

/** Peers that hold a slot, and the size of a bucket: Kademlia's k. A third may be gone and a fifth lie: ten are left. */
export const REPLICATION = 20;

/** Disjoint paths of a lookup, and parallel requests on each of kad-dht's own: a fifth of liars seldom own all three. */
export const DISJOINT_PATHS = 3;

/** Asks of one lookup at once: as many as tor dials at once. */
export const LOOKUP_PARALLEL = 8;

/** An ask that takes longer than this no longer counts against the above: most answers come within four round trips. */
export const LOOKUP_STALLED_MS = 3_000;

/** Asks of one lookup at once, with those: dead onions keep a dial for a minute, and must not stop a lookup. */
export const LOOKUP_PARALLEL_STALLED = 24;

/** With fewer asks than this under way, doubtful names are tried too: they may be honest ones of an unlucky peer. */
export const LOOKUP_DESPERATE = 3;

/** Peers asked in one lookup: the k closest, as many dead ones, and as many again that liars made up. */
export const LOOKUP_MAX_ASKED = 60;

/** A lookup that has not ended by then returns what it has: a dial to a slow onion takes up to a minute. */
export const LOOKUP_TIMEOUT_MS = 60_000;

/** One request with its dial and answer: as long as the lookup it is part of. */
export const PEER_TIMEOUT_MS = 60_000;

/** Requests to one peer at once; below what its server allows (8), of which kad-dht uses some. */
export const PEER_REQUESTS = 5;

/** With an acceptable result, a lookup ends when nobody answered for this many times the slowest answer so far, */
export const QUIET_FACTOR = 2;

/** but not sooner than this, which is a dial with its retry at 600 ms round trip, */
export const QUIET_MIN_MS = 4_000;

/** nor later. */
export const QUIET_MAX_MS = 20_000;

/** So many times that silence ends it when the result is only tolerable, as in a network of a few peers, */
export const QUIET_TOLERABLE = 2;

/** and so many times when there were answers but no result: one silent peer must not make "not found" take a minute. */
export const QUIET_NOTHING = 3;

/** Names of one peer that are asked before one of them has answered; twice the number that answered is added. */
export const MAX_NAMED_IN_VAIN = 4;

/** Holders that have to agree on the newest slot before a read ends: four of a fifth who lie are one in 600, */
export const AGREEING_HOLDERS = 4;

/** and on how many paths, so that one lying entry point with peers of its own does not decide. */
export const AGREEING_PATHS = 2;

/** Slots kept beside the newest as proof that its key signed twice: one proves it. */
export const MAX_CONFLICTS_READ = 4;

/** Holders with which a write ends: all but four of k, because one in five may be slow, lying or gone. */
export const WRITE_HOLDERS = 16;

/** How long the last puts are waited for: they go over open connections, which is two round trips. */
export const LAST_PUTS_MS = 2_000;

/** Holders with which a write may end when the rest is silent: with a third gone and a fifth lying five are left. */
export const WRITE_ENOUGH = 10;

/** Holders with which a write may end when only doubtful names are left: a network this small has no more. */
export const WRITE_FEW = 3;

/* ---- peers: dials, the routing table, entry points ---- */

/** Failed dials in a row after which a peer leaves the routing table: circuits fail by themselves one time in five. */
export const FORGOTTEN_AFTER_FAILURES = 3;

/** Peers whose failures are remembered: more than a routing table holds. */
export const REMEMBERED_FAILURES = 1_024;

/** libp2p's default is 50, and the transport lets what is above go first. */
export const USER_DIAL_PRIORITY = 60;

/** Dials and pings that kad-dht has under way: two of six places of tor, the rest is for lookups that are waited for. */
export const KAD_PARALLEL = 2;

/** Peers that wait for a place in the routing table; an answer names 20, and a flood of names is dropped here. */
export const MAX_TABLE_CANDIDATES = 100;

/** Of those, how many are looked at together: the ones that are connected must not wait for the dials of others. */
export const TABLE_CANDIDATES_AT_ONCE = 32;

/** kad-dht's own requests: it measures and adapts between these. */
export const KAD_TIMEOUT = { minTimeout: 30_000, maxTimeout: 120_000 } as const;

/** kad-dht's first lookup of our own id, which its refreshes wait for; this is only not to race the start. */
export const FIRST_SELF_LOOKUP_MS = 250;

/** kad-dht's later ones and its provider records: replaced by ours and not used, so as rare as can be. */
export const KAD_IDLE_MS = DAY_MS;

/** Pause after the first look at our neighbourhood, which doubles with each: who joined with us has joined by then. */
export const FIRST_LOOK_PAUSE_MS = 3_000;

/** Looks in a row, over 6 to 13 minutes: a neighbour that lives and never answers would let them go on for ever. */
export const LOOKS_IN_A_ROW = 8;

/** From a look that showed nothing new to the next: new neighbours come to us by themselves. */
export const LOOK_AGAIN_MS = 30 * 60_000;

/** Length in front of a message, at most: answers have less than 2^14 bytes. */
export const LENGTH_PREFIX_BYTES = 2;

/** Peers that a client starts lookups from. */
export const MAX_ENTRANCES = 8;

/** Entry points of one scout: three disjoint paths. */
export const SCOUT_ENTRY_POINTS = 3;

/** Entry points that one scout tries until it has those: public nodes of yesterday may be gone. */
export const SCOUT_ENTRY_TRIES = 9;

/** A batch of a scout: two lookups and the dials before them. */
export const SCOUT_TIMEOUT_MS = 150_000;

/** Entry points that are remembered: about 100 bytes each; more than any node will ever try. */
export const MAX_ENTRY_POINTS = 512;

/** Of these, so many that were heard of and never reached: a flood of announcements gets no more. */
export const MAX_UNPROVEN_ENTRY_POINTS = 64;

/** Failures in a row after which others are tried first. */
export const DOUBTFUL_FAILURES = 3;

/** A remembered entry point that fails is forgotten when it was neither heard of nor reached for this long. */
export const ENTRY_POINT_SILENCE_MS = 14 * DAY_MS;

/** So many are kept however long they were silent: it may have been us who were away. */
export const KEPT_ENTRY_POINTS = 16;

/* ---- handing on: what a handle does before it goes ---- */

/**
 * Peers that get each slot. All holders of a slot hand on within one window, each to those who are closest at that
 * moment, some of whom go later and hand on again: four from each of twenty leave the closest twenty with copies.
 */
export const HAND_ON_COPIES = 4;

/** Peers tried for a slot: one refusal or dead circuit for each copy. */
export const HAND_ON_TRIES = 2 * HAND_ON_COPIES;

/** Peers that slots go to at once: ordinary places of the dial queue. */
export const HAND_ON_PEERS = 6;

/** The whole of it; the window of rotation is two hours, and the next handle is up before. */
export const HAND_ON_TIMEOUT_MS = 15 * 60_000;
