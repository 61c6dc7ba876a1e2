/**
 * The requests of `/kith/kad/1.0.0`, one stream each: what is asked, how long it may take, and what an answer may be.
 * An answer that is too long, malformed, or about something else counts as none.
 */

import type { PeerId, Stream } from '@libp2p/interface';
import { Queue } from '@libp2p/utils';
import { withDeadline } from '../net/deadline.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import {
  decodeKadResponse,
  encodeKadRequest,
  KAD_PROTOCOL,
  type KadRequest,
  type KadResponse,
  MAX_KAD_RESPONSE_BYTES,
} from '../wire/kad-message.ts';
import { DhtError } from './errors.ts';
import { KadStream } from './kad-stream.ts';
import { PEER_REQUESTS, PEER_TIMEOUT_MS } from './limits.ts';
import { type Links, peerOfKey } from './links.ts';

export class KadRequests {
  readonly #links: Links;
  readonly #clock: Clock;
  /** Whether a person waits for what is asked here. */
  readonly urgent: boolean;
  /** Requests to each peer, those that run and those that wait. */
  readonly #queues = new Map<string, Queue>();

  constructor(links: Links, options: { readonly clock: Clock; readonly urgent: boolean }) {
    this.#links = links;
    this.#clock = options.clock;
    this.urgent = options.urgent;
  }

  /** Whether the peer serves the DHT now. */
  async ping(peer: PeerId, signal?: AbortSignal): Promise<void> {
    await this.#ask(peer, { type: 'ping' }, signal);
  }

  async findNode(peer: PeerId, key: Uint8Array, signal: AbortSignal): Promise<{ closer: PeerId[] }> {
    const { closer } = await this.#ask(peer, { type: 'find-node', key }, signal);
    return { closer: closer.map(peerOfKey) };
  }

  async getValue(
    peer: PeerId,
    key: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ value: Uint8Array | null; closer: PeerId[] }> {
    const { record, closer } = await this.#ask(peer, { type: 'get-value', key }, signal);
    const value = record !== null && equal(record.key, key) ? record.value : null;
    return { value, closer: closer.map(peerOfKey) };
  }

  /** Whether the peer says that it keeps the value. */
  async putValue(peer: PeerId, key: Uint8Array, value: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { record } = await this.#ask(peer, { type: 'put-value', record: { key, value } }, signal);
    return record !== null && equal(record.value, value);
  }

  /** Throws {@link DhtError} PEER_UNREACHABLE or BAD_ANSWER, or the signal's reason. */
  #ask(peer: PeerId, request: KadRequest, outer: AbortSignal | undefined): Promise<KadResponse> {
    return withDeadline(
      this.#clock,
      PEER_TIMEOUT_MS,
      outer,
      (signal) => this.#inTurn(peer, () => this.#exchange(peer, request, signal), signal),
      () => new DhtError('PEER_UNREACHABLE'),
    );
  }

  /** A few streams to one peer at once: its server would reset more. */
  async #inTurn<T>(peer: PeerId, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const id = peer.toString();
    const queue = this.#queues.get(id) ?? new Queue<T>({ concurrency: PEER_REQUESTS });
    this.#queues.set(id, queue);
    try {
      return (await queue.add(work, { signal })) as T;
    } finally {
      if (queue.size === 0) this.#queues.delete(id);
    }
  }

  async #exchange(peer: PeerId, request: KadRequest, signal: AbortSignal): Promise<KadResponse> {
    const connection = await this.#links.connect(peer, { signal, urgent: this.urgent });
    let stream: Stream | undefined;
    try {
      stream = await connection.newStream([KAD_PROTOCOL], { signal });
      const messages = new KadStream(stream, 'kad-response', MAX_KAD_RESPONSE_BYTES);
      await messages.write(encodeKadRequest(request), signal);
      const bytes = await messages.read(signal);
      if (bytes === null) throw new DhtError('BAD_ANSWER');
      const answer = decodeKadResponse(bytes);
      if (answer.type !== request.type) throw new DhtError('BAD_ANSWER');
      // not awaited: the answer is here, and a peer that will not close costs nothing
      const done = stream;
      void messages.close(signal).catch((error: Error) => done.abort(error));
      return answer;
    } catch (error) {
      stream?.abort(error as Error);
      signal.throwIfAborted();
      throw error instanceof DhtError ? error : new DhtError('BAD_ANSWER', { cause: error });
    }
  }
}
