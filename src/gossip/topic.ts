/**
 * What a gossip topic is to this node: its name, the size of what may be said on it, and two judges. Topics are fixed
 * when the node is made; nobody outside can add one.
 */

import type { PeerId } from '@libp2p/interface';

/**
 * `accept` is handed on to others; `ignore` is dropped without blame; `reject` is dropped and held against the peer
 * that forwarded it, so it may only be said of what no honest peer can have taken for good.
 */
export type Verdict = 'accept' | 'ignore' | 'reject';

export interface GossipTopic {
  readonly name: string;
  /** Longest message; longer ones are an offence. */
  readonly maxBytes: number;
  /**
   * Asked for each copy before anything remembers it: false drops this copy and leaves the next one, from another
   * peer, its chance. This is where a peer's share is limited: a message that is ignored later counts as seen, and a
   * flooder could have others' messages ignored in advance.
   */
  admit(data: Uint8Array, from: PeerId): boolean;
  /** Asked once per message, synchronously; what it accepts it has taken note of. */
  validate(data: Uint8Array, from: PeerId): Verdict;
}
