/**
 * What can go wrong between kith and its own tor process, as codes a program can switch on.
 * Log lines quoted here went through {@link scrub}: tor's own SafeLogging is a second net, not the only one.
 */

import { KithError } from '../../safety/errors.ts';

export type TorErrorCode =
  /** No tor program at any of the usual places. */
  | 'TOR_NOT_FOUND'
  /** tor is there, but too old or built without the pow module. */
  | 'TOR_UNSUITABLE'
  /** tor refused its configuration. */
  | 'TOR_CONFIG'
  /** The data directory cannot be used: permissions, owner, read-only file system. */
  | 'TOR_DATA_DIR'
  | 'TOR_DISK_FULL'
  /** Another tor holds the data directory. */
  | 'TOR_DATA_DIR_BUSY'
  /** A path for a unix socket is longer than the operating system takes. */
  | 'TOR_SOCKET_PATH'
  /** tor could not bind one of its listeners. */
  | 'TOR_BIND'
  /** tor ended for a reason not named above. */
  | 'TOR_EXITED'
  /** tor runs but does not answer. */
  | 'TOR_FROZEN'
  /** tor failed too often in a row; kith stopped restarting it. */
  | 'TOR_GAVE_UP'
  /** The call needs a running tor, and it is stopped, starting or being restarted. */
  | 'TOR_NOT_READY';

/** A failure of the tor process itself. */
export class TorError extends KithError<TorErrorCode> {
  override readonly name = 'TorError';
}

export type ControlErrorCode =
  /** The control socket could not be opened. */
  | 'CONTROL_UNREACHABLE'
  /** The other side of the control socket is not the tor we started, or refused our cookie. */
  | 'CONTROL_AUTH'
  /** Bytes that are not the control protocol; the connection was dropped. */
  | 'CONTROL_GARBAGE'
  /** The connection ended; commands in flight may or may not have been carried out. */
  | 'CONTROL_LOST'
  /** No reply within the command's time. */
  | 'CONTROL_TIMEOUT'
  /** tor answered with an error status (`data.status`). */
  | 'CONTROL_REFUSED'
  /** Too many commands wait for their replies. */
  | 'CONTROL_BUSY';

/** A failure on the control connection. */
export class ControlError extends KithError<ControlErrorCode> {
  override readonly name = 'ControlError';
}

export type OnionServiceErrorCode =
  /** No hidden-service directory took the descriptor in time. */
  | 'ONION_NOT_UPLOADED'
  /** More client-authorization keys than a descriptor carries. */
  | 'ONION_TOO_MANY_CLIENTS'
  /** tor would not create the service. */
  | 'ONION_REFUSED'
  /** This seed is already published by this tor. */
  | 'ONION_IN_USE'
  /** The service was closed while the call waited. */
  | 'ONION_CLOSED';

/** A failure to publish or change an onion service. */
export class OnionServiceError extends KithError<OnionServiceErrorCode> {
  override readonly name = 'OnionServiceError';
}

const SECRETS: readonly RegExp[] = [
  /\b[a-z2-7]{16,56}(\.onion)?\b/gi, // onion addresses, base32 keys
  /\b[0-9A-F]{40}\b/gi, // relay fingerprints: a bridge's is as good as its address
  /\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, // IPv4
  /\[?([0-9a-f]{0,4}:){3,}[0-9a-f.]*\]?(:\d+)?/gi, // IPv6
  /\bcert=\S+/g, // obfs4 keys
];

/** `line` without onion addresses, IP addresses, fingerprints and keys. */
export function scrub(line: string): string {
  return SECRETS.reduce((text, secret) => text.replace(secret, '[scrubbed]'), line);
}
