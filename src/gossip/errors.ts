/** What can go wrong in gossip, for whoever calls it. Peers are told nothing: they are disconnected. */

import { KithError } from '../safety/errors.ts';

/**
 * `TOPIC_UNKNOWN`, `TOO_LONG`: what the caller wants to say cannot be said here.
 * `STOPPED`: the node does not run.
 * `OFFENCE`: why a connection was cut.
 * `LIBRARY`: the gossipsub library is not the version this code was written against.
 */
export type GossipErrorCode = 'TOPIC_UNKNOWN' | 'TOO_LONG' | 'STOPPED' | 'OFFENCE' | 'LIBRARY';

const CAUSES: Readonly<Record<GossipErrorCode, readonly [message: string, hint: string]>> = {
  TOPIC_UNKNOWN: [
    'this node has no such gossip topic',
    'Topics are fixed when the node is made: add it there.',
  ],
  TOO_LONG: ['the message is longer than its topic allows', 'Say less, or put it elsewhere and say where.'],
  STOPPED: ['gossip does not run', 'Start the node first.'],
  OFFENCE: ['the peer sent what no honest peer sends', 'Nothing to do: it was disconnected.'],
  LIBRARY: [
    'the gossipsub library has changed inside',
    'Install the version that package.json names, or adapt src/gossip/internals.ts to the new one.',
  ],
};

export class GossipError extends KithError<GossipErrorCode> {
  override readonly name = 'GossipError';

  constructor(code: GossipErrorCode) {
    const [message, hint] = CAUSES[code];
    super(code, message, { hint });
  }
}
