/**
 * What a peer may put into a gossipsub frame. gossipsub 17.1.1 by itself
 *
 * - takes messages with an author (`from`) under StrictNoSign, and forwards the author;
 * - remembers every message before any validator sees it, so a flood fills memory and a flooder can have others'
 *   messages taken for seen;
 * - keeps up to 6,144 ids of unwanted messages of each peer for a minute, which no honest peer sends for short ones;
 * - keeps message ids of any length, and waits that peers ask for of any length, for every key that ever connects;
 * - logs frames that cannot be decoded, and what is said on foreign topics, and carries on;
 * - dials and looks up peers that PRUNE names.
 *
 * The guard lets through what the software itself sends, and counts the rest against the sender.
 */

import type { RPC } from '@libp2p/gossipsub/message';
import type { PeerId } from '@libp2p/interface';
import {
  FRAME_COST_BYTES,
  MAX_BACKOFF_SECONDS,
  MAX_REQUEST_IDS,
  MESSAGE_ID_BYTES,
  OFFENCE_HOSTILE,
  OFFENCE_MINOR,
  OFFENCE_SERIOUS,
} from './limits.ts';
import type { PeerRecord, PeerRecords } from './peer-records.ts';
import type { GossipTopic } from './topic.ts';

export class RpcGuard {
  readonly #topics: ReadonlyMap<string, GossipTopic>;
  readonly #records: PeerRecords;

  constructor(topics: ReadonlyMap<string, GossipTopic>, records: PeerRecords) {
    this.#topics = topics;
    this.#records = records;
  }

  /** What of a frame is to be acted on; null when the peer is to be dismissed. */
  read(peer: PeerId, frame: Uint8Array, decode: (frame: Uint8Array) => RPC): RPC | null {
    const record = this.#records.of(peer.toString());
    if (record.refused || !record.mayRead(frame.length + FRAME_COST_BYTES)) return null;
    let rpc: RPC;
    try {
      rpc = decode(frame);
    } catch {
      return null;
    }
    const sieve = new Sieve(this.#topics, peer, record);
    const messages = rpc.messages.filter((message) => sieve.message(message));
    const control = rpc.control === undefined ? undefined : sieve.control(rpc.control);
    if (record.offend(sieve.points)) return null;
    return { subscriptions: rpc.subscriptions, messages, ...(control === undefined ? {} : { control }) };
  }
}

/** One pass over one frame, adding up what is wrong with it. */
class Sieve {
  points = 0;
  readonly #topics: ReadonlyMap<string, GossipTopic>;
  readonly #peer: PeerId;
  readonly #record: PeerRecord;

  constructor(topics: ReadonlyMap<string, GossipTopic>, peer: PeerId, record: PeerRecord) {
    this.#topics = topics;
    this.#peer = peer;
    this.#record = record;
  }

  message({ topic: name, data, from, seqno, signature, key }: RPC.Message): boolean {
    const topic = this.#topics.get(name);
    if (topic === undefined) return this.#offence(OFFENCE_SERIOUS);
    const named = [from, seqno, signature, key].some((field) => field !== undefined);
    if (named || data === undefined || data.length > topic.maxBytes) return this.#offence(OFFENCE_HOSTILE);
    return this.#record.mayMessage() && topic.admit(data, this.#peer);
  }

  control(control: RPC.ControlMessage): RPC.ControlMessage {
    if (control.idontwant.length > 0) this.#offence(OFFENCE_MINOR);
    return {
      ihave: control.ihave.filter((have) => this.#ours(have)).map((have) => this.#ids(have)),
      iwant: control.iwant.map((want) => this.#ids(want)),
      graft: control.graft.filter((graft) => this.#ours(graft)),
      prune: control.prune.filter((prune) => this.#ours(prune)).map((prune) => this.#pruned(prune)),
      idontwant: [],
    };
  }

  #ours({ topicID }: { topicID?: string }): boolean {
    return (topicID !== undefined && this.#topics.has(topicID)) || this.#offence(OFFENCE_MINOR);
  }

  /** Lists are in random order, so a part of a long one is as good as another. */
  #ids<List extends { messageIDs: Uint8Array[] }>(list: List): List {
    if (list.messageIDs.some((id) => id.length !== MESSAGE_ID_BYTES)) this.#offence(OFFENCE_HOSTILE);
    return { ...list, messageIDs: list.messageIDs.slice(0, MAX_REQUEST_IDS) };
  }

  #pruned(prune: RPC.ControlPrune): RPC.ControlPrune {
    if (prune.peers.length > 0) this.#offence(OFFENCE_SERIOUS);
    const backoff = Math.min(prune.backoff ?? 0, MAX_BACKOFF_SECONDS);
    return { ...prune, peers: [], backoff };
  }

  #offence(points: number): false {
    this.points += points;
    return false;
  }
}
