/** Everything that can go wrong with slots and with finding those who hold them, with the cause and the next step. */

import { type ErrorDetail, KithError } from '../safety/errors.ts';

/**
 * Slots:
 * `SLOT_MALFORMED`, `SLOT_KEY`, `SLOT_SIGNATURE`, `SLOT_EXPIRED`, `SLOT_TOO_FAR`: the record alone is not acceptable.
 * `SLOT_OLDER`, `SLOT_CONFLICT`: another record of the same key is kept.
 * `QUOTA`, `STORE_FULL`: this peer takes no more, from that peer or at that distance.
 * `BUSY`: a peer asks for more than one may, or too slowly.
 * Peers:
 * `PEER_UNREACHABLE`, `BAD_ANSWER`: one peer did not answer, or not what it was asked.
 * `NOT_AN_ENTRY`, `OWN_ONION`: an onion that is no public node, or one of this node's own.
 * `NO_PEERS`, `NO_ENTRY_POINTS`, `NO_ENTRY_POINT_REACHED`: there is nobody to ask.
 * `TOO_LONG`, `TTL`: what somebody wants to put does not fit into a slot, or would last too long.
 * `NOT_KEPT`, `NOT_FOUND`: of all that were asked nobody took the slot, or nobody has it.
 * `STOPPED`: the node stops.
 * `SCOUT_TIMEOUT`: a batch of reads or writes took too long.
 * `KAD_CHANGED`: the installed kad-dht is not the one this was written for.
 */
export type DhtErrorCode =
  | 'SLOT_MALFORMED'
  | 'SLOT_KEY'
  | 'SLOT_SIGNATURE'
  | 'SLOT_EXPIRED'
  | 'SLOT_TOO_FAR'
  | 'SLOT_OLDER'
  | 'SLOT_CONFLICT'
  | 'QUOTA'
  | 'STORE_FULL'
  | 'BUSY'
  | 'PEER_UNREACHABLE'
  | 'BAD_ANSWER'
  | 'NOT_AN_ENTRY'
  | 'OWN_ONION'
  | 'NO_PEERS'
  | 'NO_ENTRY_POINTS'
  | 'NO_ENTRY_POINT_REACHED'
  | 'TOO_LONG'
  | 'TTL'
  | 'NOT_KEPT'
  | 'NOT_FOUND'
  | 'STOPPED'
  | 'SCOUT_TIMEOUT'
  | 'KAD_CHANGED';

const CAUSES: Readonly<Record<DhtErrorCode, readonly [message: string, hint: string]>> = {
  SLOT_MALFORMED: ['the bytes are not a slot', 'They were not used; get the slot again from elsewhere.'],
  SLOT_KEY: [
    'the slot belongs under another key',
    'Somebody put it where it does not belong; it was not used.',
  ],
  SLOT_SIGNATURE: [
    'the slot is not signed by its key',
    'It is forged or damaged and was not used; get it again from elsewhere.',
  ],
  SLOT_EXPIRED: ['the slot has expired', 'Its writer has to put a new one.'],
  SLOT_TOO_FAR: [
    'the slot wants to be kept longer than slots are',
    'Check the clock of this computer; sign it with an earlier expiry.',
  ],
  SLOT_OLDER: ['a newer version of the slot is known', 'Read it first, then write with a higher seq.'],
  SLOT_CONFLICT: [
    'another slot with the same seq is known',
    'Whoever holds the key signed twice, or somebody else holds it too: read it, then write with a higher seq.',
  ],
  QUOTA: ['the peer has put as much as one peer may', 'Try again after the epoch, or put it elsewhere.'],
  BUSY: ['a peer asks for more than one may, or too slowly', 'Ask less at once, or later.'],
  STORE_FULL: ['there is no room for a slot this far away', 'Put it to peers that are closer to its key.'],
  PEER_UNREACHABLE: ['the peer was not reached', 'It may be gone; others hold the same.'],
  BAD_ANSWER: ['the peer did not answer what it was asked', 'Its answer was not used; others hold the same.'],
  NOT_AN_ENTRY: [
    'that node answers, but is no entry to the overlay',
    'Ask for the address that `kith status` of a public node calls its overlay address.',
  ],
  OWN_ONION: ['that is an address of this very node', 'Give the address of another public node.'],
  NO_PEERS: [
    'no peer of the overlay is known yet',
    'Wait until one is connected, or add a public node: kith peers add <onion>.',
  ],
  NO_ENTRY_POINTS: [
    'this node knows nobody in the overlay',
    'Add the onion of a public node: kith peers add <onion>; it is remembered from then on.',
  ],
  NO_ENTRY_POINT_REACHED: [
    'no entry point of the overlay answered',
    'Try again in a minute; if it stays so, add another public node: kith peers add <onion>.',
  ],
  TOO_LONG: ['a slot holds 4,078 bytes at most', 'Put less, or send it as a message.'],
  TTL: ['a slot lasts from 1 second to 14 days', 'Choose a time in between.'],
  NOT_KEPT: ['no node took the slot', 'Look at `kith peers`, and try again in a minute.'],
  NOT_FOUND: [
    'no node that was asked has this slot',
    'It may have expired, or those who keep it are away: try again later.',
  ],
  STOPPED: ['the node was stopped meanwhile', 'Start it, and try again.'],
  SCOUT_TIMEOUT: ['the overlay was too slow for this', 'Try again, with fewer slots at once.'],
  KAD_CHANGED: [
    'the installed @libp2p/kad-dht is not the one kith was made for',
    'Install the locked versions with npm ci.',
  ],
};

export class DhtError extends KithError<DhtErrorCode> {
  override readonly name = 'DhtError';

  constructor(code: DhtErrorCode, { cause, data }: Partial<Pick<ErrorDetail, 'cause' | 'data'>> = {}) {
    const [message, hint] = CAUSES[code];
    super(code, message, {
      hint,
      ...(cause === undefined ? {} : { cause }),
      ...(data === undefined ? {} : { data }),
    });
  }
}
