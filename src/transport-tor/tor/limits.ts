/** Every bound on tor and its control connection, each with its reason. */

/** Oldest tor that takes `PoWDefensesEnabled` in ADD_ONION. */
export const MIN_TOR_VERSION = [0, 4, 9, 2] as const;

/** `tor --version` answers in tens of milliseconds; a program that hangs here is not tor. */
export const LOCATE_TIMEOUT_MS = 10_000;

/** sun_path holds 104 bytes on macOS and 108 on Linux, its closing zero included. */
export const MAX_SOCKET_PATH_BYTES = 103;

/** The longest control lines we ask for are ADD_ONION errors and HS_DESC events, below 1 KiB. */
export const MAX_CONTROL_LINE_BYTES = 16 * 1024;

/** GETINFO answers we ask for have a handful of lines. */
export const MAX_CONTROL_REPLY_LINES = 4_096;

/** A reply is held in memory until its last line. */
export const MAX_CONTROL_REPLY_BYTES = 1024 * 1024;

/** Commands may be sent ahead of replies; more than this means tor has stopped answering. */
export const MAX_PENDING_COMMANDS = 256;

/** tor answers from memory in milliseconds; a loaded machine may take seconds. */
export const CONTROL_TIMEOUT_MS = 30_000;

/** tor opens its control socket within 0.1 s of its start; a loaded or swapping machine takes longer. */
export const CONTROL_OPEN_TIMEOUT_MS = 30_000;

/** How often the control socket is tried while tor starts. */
export const CONTROL_OPEN_RETRY_MS = 25;

/** Log lines kept to explain an exit. */
export const LOG_TAIL_LINES = 40;

/** A log line longer than this is cut: it is for people. */
export const MAX_LOG_LINE_CHARS = 1_024;

/** A client tor ends within 0.1 s of SIGTERM; after this it is killed. */
export const TERMINATE_GRACE_MS = 3_000;

/** First restart: at once, because after a crash nothing is gained by waiting. */
export const RESTART_FIRST_DELAY_MS = 0;

/** Second restart; doubled for each further one. */
export const RESTART_BASE_DELAY_MS = 500;

/** A tor that keeps failing is tried about once a minute. */
export const RESTART_MAX_DELAY_MS = 60_000;

/** A tor that never got ready since start() is given up after a few seconds: somebody waits for the reason. */
export const MAX_FAILED_FIRST_STARTS = 4;

/** Failures in a row of a tor that was ready before, until kith gives up: some three minutes with the delays above. */
export const MAX_FAILED_STARTS = 10;

/** A tor that was ready this long counts as sound: its next failure starts the delays anew. Short, so that
 * a tor killed every few seconds is still replaced at once: a start costs a tenth of a second. */
export const SOUND_AFTER_MS = 5_000;

/** Heartbeat of the watchdog. */
export const WATCHDOG_INTERVAL_MS = 5_000;

/**
 * How long tor may leave the heartbeat unanswered before it is killed. Longer than the 30 s for which a tor may
 * be stopped (a debugger, a suspended container) and go on by itself.
 */
export const FROZEN_AFTER_MS = 45_000;

/** A heartbeat that comes this late means that the machine slept or its clock jumped. */
export const CLOCK_JUMP_MS = 20_000;

/** From this jump on tor itself gives up its circuits (NUM_JUMPED_SECONDS_BEFORE_WARN). */
export const LONG_CLOCK_JUMP_MS = 100_000;

/** No circuit for this long, though tor was ready, is worth a nudge. */
export const NO_CIRCUIT_AFTER_MS = 60_000;

/** A descriptor with more client-authorization keys is too large for the directories (128 publish, 400 do not). */
export const MAX_CLIENT_KEYS = 128;

/** Each change of the client keys replaces the service in tor and costs a round of uploads. */
export const SET_CLIENTS_INTERVAL_MS = 10_000;

/** First upload: 1 s on an idle test network, up to a minute on the public one. */
export const UPLOAD_TIMEOUT_MS = 120_000;

/** Streams one rendezvous circuit may hold: one libp2p link and a few raw channels of one peer. */
export const DEFAULT_MAX_STREAMS = 64;

/** Fetching a descriptor: one circuit and one request; after this a dial with the old one is the better try. */
export const REFRESH_TIMEOUT_MS = 20_000;
