/**
 * Structured log lines as a dependency. Level policy: `debug` may name peers and addresses and is off unless
 * asked for; `info` and above never hold an onion address, a peer id, a name, a key or message content.
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogFields = Readonly<Record<string, string | number | boolean>>;

export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** Says nothing: the default of every part that is embedded elsewhere. */
export const silent: Log = () => {};
