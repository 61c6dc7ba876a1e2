/** Everything that can go wrong on a link between two onions, with the cause in words and the next step. */

import { KithError } from '../safety/errors.ts';

/**
 * `WRONG_KEY`: the other side proved a key, but not the expected one.
 * `HANDSHAKE_FAILED`: the other side broke off, or proved nothing.
 * `RECORD_REFUSED`: bytes after the handshake were forged, damaged or against the protocol.
 * `TRUNCATED`: the connection was lost before the peer's authenticated end.
 * `TIMEOUT`: a deadline passed.
 * `PROTOCOL_UNKNOWN`, `BUSY`: the authenticated peer said so.
 * `CLOSED`: this side closed or aborted, or the connection is gone for writing.
 * `KEY_TYPE`, `NO_COMMON_MUXER`: the libp2p encrypter was given, or met, something it cannot serve.
 */
export type ChannelErrorCode =
  | 'WRONG_KEY'
  | 'HANDSHAKE_FAILED'
  | 'RECORD_REFUSED'
  | 'TRUNCATED'
  | 'TIMEOUT'
  | 'PROTOCOL_UNKNOWN'
  | 'BUSY'
  | 'CLOSED'
  | 'KEY_TYPE'
  | 'NO_COMMON_MUXER';

const CAUSES: Readonly<Record<ChannelErrorCode, readonly [message: string, hint: string]>> = {
  WRONG_KEY: [
    'the other side holds another key than the address says',
    'Check the address; if it is right, somebody answers in its place: do not go on.',
  ],
  HANDSHAKE_FAILED: [
    'the other side did not complete the handshake',
    'Try again; if it stays, the other side runs other software or an incompatible version.',
  ],
  RECORD_REFUSED: [
    'bytes on the connection were forged, damaged or against the protocol',
    'The connection was dropped; nothing that came before is affected. Connect again.',
  ],
  TRUNCATED: [
    'the connection was lost before the other side ended it',
    'What came may be incomplete: do not treat it as whole. Connect again.',
  ],
  TIMEOUT: ['the other side took too long', 'Try again in a minute; circuits differ in speed.'],
  PROTOCOL_UNKNOWN: [
    'the other side does not serve this protocol',
    'It may run an older version, or not offer this to you.',
  ],
  BUSY: ['the other side has too many connections', 'Try again in a minute.'],
  CLOSED: ['the connection is closed', 'Open a new one.'],
  KEY_TYPE: ['only Ed25519 identities can be proven on a link', 'Create the node with an Ed25519 key.'],
  NO_COMMON_MUXER: [
    'the two sides have no stream muxer in common',
    'Configure a muxer that the other side has, for example yamux.',
  ],
};

export class ChannelError extends KithError<ChannelErrorCode> {
  override readonly name = 'ChannelError';

  constructor(code: ChannelErrorCode, cause?: unknown) {
    const [message, hint] = CAUSES[code];
    super(code, message, cause === undefined ? { hint } : { hint, cause });
  }
}
