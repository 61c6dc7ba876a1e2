/**
 * Gossip over libp2p: messages of a few fixed topics, to everybody who subscribes, without saying who wrote them.
 * gossipsub 1.2 (libp2p specs, pubsub/gossipsub) as `@libp2p/gossipsub` 17.1 does it, under StrictNoSign, and in
 * front of it what that leaves open: see `rpc-guard.ts` for what peers send, `outbound-streams.ts` for how it opens
 * streams, `options.ts` for what it is told.
 *
 * It dials nobody and looks nobody up: it talks over the connections that are there. It does not hide who published
 * a message from a peer that is connected to all of the publisher's neighbours, and a message may be lost.
 */

import { type GossipSub, type GossipSubComponents, gossipsub, TopicValidatorResult } from '@libp2p/gossipsub';
import { type PeerId, serviceCapabilities, serviceDependencies, type Startable } from '@libp2p/interface';
import type { Clock } from '../safety/clock.ts';
import { type Log, silent } from '../safety/log.ts';
import { GossipError } from './errors.ts';
import { gossipsubInternals, type GossipsubInternals, isolated } from './internals.ts';
import { HEARTBEAT_MS } from './limits.ts';
import { GRAYLIST_SCORE, gossipsubOptions, PROTOCOL } from './options.ts';
import { OutboundStreams } from './outbound-streams.ts';
import { PeerRecords } from './peer-records.ts';
import { RpcGuard } from './rpc-guard.ts';
import { type SubscriberListener, Subscribers } from './subscribers.ts';
import type { GossipTopic, Verdict } from './topic.ts';

export interface GossipInit {
  /** All topics there are; what is said on others never gets in. */
  readonly topics: readonly GossipTopic[];
  readonly clock: Clock;
  readonly log?: Log;
  /** Told of a peer that was disconnected for what it sent; whoever can should refuse it from now on. */
  readonly onOffender?: (peer: PeerId) => void;
  /** Tests shorten it. */
  readonly heartbeatMs?: number;
}

export interface GossipMessage {
  readonly topic: string;
  readonly data: Uint8Array;
  /** The neighbour that forwarded it, which is rarely the one that wrote it. */
  readonly from: PeerId;
}

/** Counts of messages seen and cached, topics heard of, GRAFT waits, unwanted messages, scores, and peers on record. */
export interface GossipStats {
  readonly seen: number;
  readonly cached: number;
  readonly topics: number;
  readonly backoffs: number;
  readonly unwanted: number;
  readonly scores: number;
  readonly records: number;
}

const RESULTS: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/** A libp2p service: `services: { gossip: gossip({ topics, clock }), identify: … }`. */
export function gossip(init: GossipInit): (components: GossipSubComponents) => Gossip {
  return (components) => new Gossip(components, init);
}

export class Gossip implements Startable {
  readonly [Symbol.toStringTag] = '@kith/gossip';
  readonly [serviceCapabilities]: string[] = ['@libp2p/pubsub'];
  readonly [serviceDependencies]: string[] = ['@libp2p/identify'];
  readonly #components: GossipSubComponents;
  readonly #topics: ReadonlyMap<string, GossipTopic>;
  readonly #inner: GossipSub & GossipsubInternals;
  readonly #streams: OutboundStreams;
  readonly #records: PeerRecords;
  readonly #onOffender: (peer: PeerId) => void;
  readonly #log: Log;
  readonly #subscribed = new Set<string>();
  readonly #messageListeners = new Set<(message: GossipMessage) => void>();
  readonly #subscribers: Subscribers;
  #started = false;

  constructor(components: GossipSubComponents, init: GossipInit) {
    this.#components = components;
    this.#topics = new Map(init.topics.map((topic) => [topic.name, topic]));
    this.#onOffender = init.onOffender ?? ((): void => {});
    this.#log = init.log ?? silent;
    this.#subscribers = new Subscribers([...this.#topics.keys()]);
    this.#records = new PeerRecords(init.clock);
    this.#streams = new OutboundStreams({
      registrar: components.registrar,
      connectionManager: components.connectionManager,
      has: (peer) => this.#inner.streamsOutbound.has(peer),
      forget: (peer) => void this.#inner.streamsOutbound.delete(peer),
      onOpen: () => this.#subscribers.update(this.#inner, false),
    });
    const options = gossipsubOptions(init.topics, init.heartbeatMs ?? HEARTBEAT_MS);
    const service = gossipsub(options)(isolated(components, this.#streams.registrar));
    this.#inner = gossipsubInternals(service);
    // one version: the older ones have no backoff, and each is a door of its own
    this.#inner.protocols = [PROTOCOL];
    const guard = new RpcGuard(this.#topics, this.#records);
    this.#inner.pipePeerReadStream = (peer, frames) => this.#read(peer, frames, guard);
    this.#inner.addEventListener('gossipsub:heartbeat', () => this.#onHeartbeat());
    this.#inner.addEventListener('gossipsub:message', ({ detail }) => {
      const { topic, data } = detail.msg;
      for (const listener of this.#messageListeners)
        listener({ topic, data, from: detail.propagationSource });
    });
    this.#inner.addEventListener('subscription-change', () => this.#subscribers.update(this.#inner, false));
    for (const topic of init.topics)
      this.#inner.topicValidators.set(topic.name, (from, { data }) => this.#judge(topic, data, from));
  }

  async start(): Promise<void> {
    this.#streams.start();
    await this.#inner.start();
    this.#started = true;
    for (const topic of this.#subscribed) this.#inner.subscribe(topic);
  }

  async stop(): Promise<void> {
    this.#started = false;
    this.#streams.stop();
    this.#subscribers.forget();
    clearTimeout(this.#inner.status.heartbeatTimeout);
    await this.#inner.stop();
  }

  /** From now on, or from the start on, this node hears and forwards what is said on `topic`. */
  subscribe(topic: string): void {
    this.#known(topic);
    this.#subscribed.add(topic);
    if (this.#started) this.#inner.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    if (this.#subscribed.delete(topic) && this.#started) this.#inner.unsubscribe(topic);
  }

  /** Says `data` to the mesh; returns to how many peers, which may be none. The same data within minutes is said once. */
  async publish(topic: string, data: Uint8Array): Promise<number> {
    this.#fitting(topic, data);
    if (!this.#started) throw new GossipError('STOPPED');
    return (await this.#inner.publish(topic, data)).recipients.length;
  }

  /** Says `messages` to one neighbour alone; false when there is no stream to it. */
  send(peer: PeerId, topic: string, messages: readonly Uint8Array[]): boolean {
    for (const data of messages) this.#fitting(topic, data);
    if (!this.#started || messages.length === 0) return false;
    const rpc = { subscriptions: [], messages: messages.map((data) => ({ topic, data })) };
    return this.#inner.sendRpc(peer.toString(), rpc);
  }

  /** Calls for every message of subscribed topics that is not this node's own. Returns how to end it. */
  onMessage(listener: (message: GossipMessage) => void): () => void {
    this.#messageListeners.add(listener);
    return () => void this.#messageListeners.delete(listener);
  }

  /** Calls when a neighbour subscribes to a topic and can be sent to. Returns how to end it. */
  onSubscriber(listener: SubscriberListener): () => void {
    this.#subscribers.listeners.add(listener);
    return () => void this.#subscribers.listeners.delete(listener);
  }

  /** Neighbours that speak gossip, or those of them that subscribe to `topic`. */
  peers(topic?: string): PeerId[] {
    return topic === undefined ? this.#inner.getPeers() : this.#inner.getSubscribers(topic);
  }

  /** How much is remembered because of what peers sent. */
  stats(): GossipStats {
    const { seenCache, mcache, topics, backoff, idontwants, score } = this.#inner;
    const entries = (maps: ReadonlyMap<string, { size: number }>): number =>
      [...maps.values()].reduce((sum, { size }) => sum + size, 0);
    return {
      seen: seenCache.size,
      cached: mcache.size,
      topics: topics.size,
      backoffs: entries(backoff),
      unwanted: entries(idontwants),
      scores: score.size,
      records: this.#records.size,
    };
  }

  #judge(topic: GossipTopic, data: Uint8Array, from: PeerId): TopicValidatorResult {
    const verdict = topic.validate(data, from);
    if (verdict === 'reject' && this.#records.of(from.toString()).invalid()) this.#dismiss(from);
    return RESULTS[verdict];
  }

  /** In place of gossipsub's own loop, which decodes without limit of rate and takes garbage without a word. */
  async #read(
    peer: PeerId,
    frames: AsyncIterable<{ subarray(): Uint8Array }>,
    guard: RpcGuard,
  ): Promise<void> {
    try {
      for await (const frame of frames) {
        const rpc = guard.read(peer, frame.subarray(), (bytes) => this.#inner.decodeRpc(bytes));
        if (rpc === null) return this.#dismiss(peer);
        await this.#inner.handleReceivedRpc(peer, rpc);
      }
    } catch (error) {
      // a stream that breaks is no offence; one whose length says too much is
      if (!(error instanceof Error) || !error.name.startsWith('InvalidDataLength')) return;
      this.#dismiss(peer);
    }
  }

  #onHeartbeat(): void {
    for (const peer of this.#inner.getPeers()) {
      if (this.#inner.getScore(peer.toString()) < GRAYLIST_SCORE) this.#dismiss(peer);
      else this.#streams.open(peer);
    }
    this.#subscribers.update(this.#inner, true);
  }

  #dismiss(peer: PeerId): void {
    this.#log('debug', 'gossip: disconnected a peer for what it sent', { peer: peer.toString() });
    this.#records.of(peer.toString()).refuse();
    for (const connection of this.#components.connectionManager.getConnections(peer))
      connection.abort(new GossipError('OFFENCE'));
    this.#onOffender(peer);
  }

  #known(name: string): GossipTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new GossipError('TOPIC_UNKNOWN');
    return topic;
  }

  #fitting(topic: string, data: Uint8Array): void {
    if (data.length > this.#known(topic).maxBytes) throw new GossipError('TOO_LONG');
  }
}
