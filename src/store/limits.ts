/** Every bound of the store, with its reason. What a whole file may hold is said by whoever opens it. */

/** Bytes of a row's name: a datastore key of libp2p has about 70, a slot key 44. */
export const MAX_ROW_NAME_BYTES = 1_024;

/** Rows read at once by a walk over all of them: small, because each may hold a few KiB. */
export const WALK_ROWS = 64;

/** SQLite's page cache (KiB) of one file; its default of 2 MiB each would be felt in a small node. */
export const PAGE_CACHE_KIB = 512;

/** Pages (4 KiB) in the write-ahead log before they go to the file: 1 MiB beside the rows themselves. */
export const LOG_PAGES = 256;

/** What a file may take on disk beyond the sealed bytes of its rows: SQLite's pages are two thirds full at worst. */
export const FILE_OVERHEAD = 2;

/** Bytes of one value of a table of people: the largest attachment (204,800) and what is around it, with room. */
export const MAX_VALUE_BYTES = 1 << 20;

/** Rows of one page: a few times what a screen shows; 1,000 rows of the usual 1 KiB are a MiB of memory. */
export const MAX_PAGE_ROWS = 1_000;

/** SQLite's page cache (KiB) of the people's file: the inner pages of the trees of 100,000 messages fit. */
export const PEOPLE_CACHE_KIB = 2_048;

/** Ways to one store key: a passphrase, a key file, a login, and room for what later versions think of. */
export const MAX_KEY_SLOTS = 8;

/** Bytes of a passphrase: twelve words have 100; a file that is piped in by mistake is not worked through. */
export const MAX_PASSPHRASE_BYTES = 1_024;

/** KiB that a file may make Argon2id take: 1 GiB, sixteen times what this version asks for. */
export const MAX_ARGON2_KIB = 1 << 20;

/** Passes over that: with it, half a minute on a slow machine. */
export const MAX_ARGON2_PASSES = 16;

/** Lanes: each may be a thread. */
export const MAX_ARGON2_LANES = 16;

/** Plaintext bytes of one sealed piece of a backup: few enough to hold, many enough for the disk. */
export const BACKUP_PIECE_BYTES = 1 << 16;

/** Rows that a backup reads at once: 16 MiB at worst. */
export const BACKUP_PAGE_ROWS = 16;
