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
