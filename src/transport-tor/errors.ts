/**
 * Everything that can go wrong between a dial and an open stream, or between an onion and its unix socket, each
 * with the cause in words and the next step. Spec of the 0xF0 codes: Tor socks-extensions, "Extended error codes".
 */

import { KithError } from '../safety/errors.ts';

export type SocksErrorCode =
  | 'GENERAL_FAILURE'
  | 'NOT_ALLOWED'
  | 'NETWORK_UNREACHABLE'
  | 'HOST_UNREACHABLE'
  | 'CONNECTION_REFUSED'
  | 'TTL_EXPIRED'
  | 'COMMAND_UNSUPPORTED'
  | 'ADDRESS_UNSUPPORTED'
  | 'ONION_DESCRIPTOR_NOT_FOUND'
  | 'ONION_DESCRIPTOR_INVALID'
  | 'ONION_INTRO_FAILED'
  | 'ONION_REND_FAILED'
  | 'ONION_AUTH_MISSING'
  | 'ONION_AUTH_WRONG'
  | 'ONION_BAD_ADDRESS'
  | 'ONION_INTRO_TIMEOUT'
  | 'UNKNOWN_REPLY'
  | 'NO_METHOD'
  | 'AUTH_REFUSED'
  | 'BAD_REPLY'
  | 'PROXY_UNREACHABLE'
  | 'PROXY_CLOSED';

/** Code, what happened, what to do next. */
type Cause = readonly [code: SocksErrorCode, what: string, hint: string];

const TRY_LATER = 'Try again in a minute; the peer may be starting, moving or away.';
const CHECK_TOR = 'Look at the status of tor (kith doctor) and try again.';
const CHECK_ADDRESS = 'Compare the address with the one you were given, character by character.';
const OUR_FAULT = 'This is a defect in the caller or another program on the socket; please report it.';

const REPLIES: Readonly<Record<number, Cause>> = {
  1: ['GENERAL_FAILURE', 'tor could not open the stream and gave no reason', CHECK_TOR],
  2: ['NOT_ALLOWED', 'tor refused the destination: only onion services may be dialed', OUR_FAULT],
  3: ['NETWORK_UNREACHABLE', 'tor reports that the network is unreachable', CHECK_TOR],
  4: ['HOST_UNREACHABLE', 'tor could not reach the onion service on any circuit', TRY_LATER],
  5: [
    'CONNECTION_REFUSED',
    'the onion service is up, but nothing listens on that port of it',
    'Check the port, or wait until the program behind that onion runs.',
  ],
  6: ['TTL_EXPIRED', 'tor gave up: the circuit took too long', TRY_LATER],
  7: ['COMMAND_UNSUPPORTED', 'the proxy does not know CONNECT', OUR_FAULT],
  8: ['ADDRESS_UNSUPPORTED', 'the proxy does not take host names', OUR_FAULT],
  0xf0: ['ONION_DESCRIPTOR_NOT_FOUND', 'no directory knows the onion: it is not published now', TRY_LATER],
  0xf1: ['ONION_DESCRIPTOR_INVALID', 'the descriptor of the onion could not be read', TRY_LATER],
  0xf2: ['ONION_INTRO_FAILED', 'no introduction point of the onion answered', TRY_LATER],
  0xf3: ['ONION_REND_FAILED', 'the onion did not come to the rendezvous', TRY_LATER],
  0xf4: [
    'ONION_AUTH_MISSING',
    'the onion only serves known clients and no key for it is loaded',
    'Ask its owner to admit you, and load the client key you received.',
  ],
  0xf5: [
    'ONION_AUTH_WRONG',
    'the onion does not accept the client key that is loaded',
    'The key was replaced or withdrawn: ask the owner for the present one.',
  ],
  0xf6: ['ONION_BAD_ADDRESS', 'tor says that this is not an onion address', CHECK_ADDRESS],
  0xf7: ['ONION_INTRO_TIMEOUT', 'all introduction points of the onion timed out', TRY_LATER],
};

/** The proxy refused, or could not be talked to. Says nothing about which onion was dialed. */
export class SocksError extends KithError<SocksErrorCode> {
  override readonly name = 'SocksError';
  /** The reply byte where there was one. */
  readonly reply: number | undefined;

  constructor([code, message, hint]: Cause, { cause, reply }: { cause?: unknown; reply?: number } = {}) {
    const data = reply === undefined ? {} : { reply };
    super(code, message, cause === undefined ? { hint, data } : { hint, data, cause });
    this.reply = reply;
  }

  /** The error of a CONNECT reply other than 0. */
  static ofReply(reply: number): SocksError {
    return new SocksError(
      REPLIES[reply] ?? [
        'UNKNOWN_REPLY',
        'tor answered with a code that is not in its specification',
        CHECK_TOR,
      ],
      { reply },
    );
  }

  static noMethod(): SocksError {
    return new SocksError(['NO_METHOD', 'the proxy takes no user name and password', OUR_FAULT]);
  }

  static authRefused(): SocksError {
    return new SocksError(['AUTH_REFUSED', 'the proxy refused the isolation name', OUR_FAULT]);
  }

  static badReply(cause: unknown): SocksError {
    return new SocksError(
      ['BAD_REPLY', 'what answers on the SOCKS socket is not a SOCKS5 proxy', CHECK_TOR],
      { cause },
    );
  }

  static unreachable(cause: unknown): SocksError {
    return new SocksError(['PROXY_UNREACHABLE', 'nobody listens on the SOCKS socket of tor', CHECK_TOR], {
      cause,
    });
  }

  static closed(cause?: unknown): SocksError {
    return new SocksError(['PROXY_CLOSED', 'tor hung up before it answered the dial', CHECK_TOR], { cause });
  }

  /** Whether another try in a moment may well succeed: a descriptor under way, an introduction point that went. */
  get transient(): boolean {
    return this.reply === 0xf0 || this.reply === 0xf2 || this.reply === 0xf3;
  }

  /** Whether the failure is about the dialed onion, not about tor, the caller or the machine. */
  get aboutOnion(): boolean {
    return this.reply !== undefined && (this.reply >= 0xf0 || (this.reply >= 4 && this.reply <= 6));
  }
}

export type DialErrorCode = 'BACKOFF' | 'QUEUE_FULL' | 'DIAL_TIMEOUT' | 'BAD_ISOLATION' | 'STOPPED';

/** A dial that was refused or given up on this side. */
export class DialError extends KithError<DialErrorCode> {
  override readonly name = 'DialError';
}

export type EndpointErrorCode = 'SOCKET_DIR' | 'SOCKET_PATH' | 'SOCKET_IN_USE' | 'ENDPOINT_STATE';

/** The unix socket behind an onion could not be set up. */
export class EndpointError extends KithError<EndpointErrorCode> {
  override readonly name = 'EndpointError';
}

export type TransportErrorCode =
  | 'KEY_TYPE'
  | 'OPTIONS'
  | 'NOT_OWN_ONION'
  | 'PEER_ID_MISMATCH'
  | 'DIAL_SELF'
  | 'NO_CHANNELS';

/** The transport was given something that it cannot serve, before anything was sent. */
export class TransportError extends KithError<TransportErrorCode> {
  override readonly name = 'TransportError';
}
