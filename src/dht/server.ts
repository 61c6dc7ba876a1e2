/**
 * What this peer answers on `/kith/kad/1.0.0`: PING, FIND_NODE, and GET_VALUE and PUT_VALUE of slots. It stands in for
 * kad-dht's own server, which stores whatever passes a validator, serves public keys and provider records, and tells
 * when a record came. Spec: libp2p/specs kad-dht, docs/wire.md.
 *
 * A put that is refused, for whatever reason, is answered without a record, and all reasons look alike: what is held
 * already is nobody's business. Whoever does not follow the protocol has the stream reset. Not hidden from who asks:
 * which peers are in the routing table, and whether a slot is held, for whoever knows its key.
 */

import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { withDeadline } from '../net/deadline.ts';
import type { Clock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { KithError, MalformedError } from '../safety/errors.ts';
import { type Log, silent } from '../safety/log.ts';
import {
  decodeKadRequest,
  encodeKadPeer,
  encodeKadResponse,
  type KadRecord,
  type KadRequest,
  type KadResponse,
  MAX_CLOSER_PEERS,
  MAX_KAD_REQUEST_BYTES,
} from '../wire/kad-message.ts';
import { DhtError, type DhtErrorCode } from './errors.ts';
import { KadStream } from './kad-stream.ts';
import { SERVER_LIMITS, type ServerLimits } from './limits.ts';
import { Allowance } from './quota.ts';
import type { SlotStore } from './slot-store.ts';

export interface KadServerInit {
  readonly store: Pick<SlotStore, 'offer' | 'get'>;
  /** Peers of the routing table closest to a position in the key space, closest first. */
  readonly routing: { closest(kadId: Uint8Array, count: number): PeerId[] };
  readonly clock: Clock;
  readonly provider?: Provider;
  readonly log?: Log;
  readonly limits?: ServerLimits;
}

/** What is kept of a connection while it asks. */
interface Client {
  streams: number;
  readonly allowance: Allowance;
}

/**
 * Refusals that an honest peer gives no reason for, and that may have cost a signature check. SLOT_CONFLICT is none:
 * the signer broke the rules, and who hands on cannot know that others hold another version.
 */
const FORGED: readonly DhtErrorCode[] = ['SLOT_MALFORMED', 'SLOT_KEY', 'SLOT_TOO_FAR', 'SLOT_SIGNATURE'];

export class KadServer {
  readonly #init: KadServerInit;
  readonly #limits: ServerLimits;
  readonly #provider: Provider;
  readonly #log: Log;
  readonly #encoded = new Map<string, Uint8Array>();
  readonly #clients = new WeakMap<Connection, Client>();
  #streams = 0;
  #answered = 0;
  #refused = 0;

  constructor(init: KadServerInit) {
    this.#init = init;
    this.#limits = init.limits ?? SERVER_LIMITS;
    this.#provider = init.provider ?? nodeProvider;
    this.#log = init.log ?? silent;
  }

  /** Streams that are open, and since the start: requests answered, puts and whole streams refused. */
  stats(): { streams: number; answered: number; refused: number } {
    return { streams: this.#streams, answered: this.#answered, refused: this.#refused };
  }

  /** The handler of the protocol. Resolves when the stream has ended, however it did. */
  readonly handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const client = this.#client(connection);
    this.#streams++;
    client.streams++;
    try {
      if (client.streams > this.#limits.streams) throw new DhtError('BUSY');
      const messages = new KadStream(stream, 'kad-request', MAX_KAD_REQUEST_BYTES);
      let left = this.#limits.requestsPerStream;
      while (await this.#serveOne(messages, client, connection.remotePeer, left)) left--;
    } catch (error) {
      this.#refused++;
      if (error instanceof MalformedError) client.allowance.take(this.#limits.forgedCost);
      if (error instanceof KithError) this.#log('debug', 'a stream was refused', { code: error.code });
      stream.abort(error instanceof Error ? error : new DhtError('BUSY'));
    } finally {
      client.streams--;
      this.#streams--;
    }
  };

  /** Whether there was a request; refuses it where none are `left` to the stream. */
  #serveOne(messages: KadStream, client: Client, from: PeerId, left: number): Promise<boolean> {
    const work = async (signal: AbortSignal): Promise<boolean> => {
      const bytes = await messages.read(signal);
      if (bytes === null) {
        await messages.close(signal);
        return false;
      }
      if (left === 0) throw new DhtError('BUSY');
      await this.#holdBack(client, signal);
      const response = this.#answer(decodeKadRequest(bytes), client, from);
      await messages.write(encodeKadResponse(response, this.#encodePeer), signal);
      this.#answered++;
      return true;
    };
    const { clock } = this.#init;
    return withDeadline(clock, this.#limits.requestMs, undefined, work, () => new DhtError('BUSY'));
  }

  /** Who asks faster than allowed waits; who would wait too long is refused. */
  async #holdBack(client: Client, signal: AbortSignal): Promise<void> {
    if (client.allowance.waitMs() > this.#limits.heldBackMs) throw new DhtError('BUSY');
    client.allowance.take(1);
    const waitMs = client.allowance.waitMs();
    if (waitMs > 0) await this.#init.clock.sleep(waitMs, signal);
  }

  #answer(request: KadRequest, client: Client, from: PeerId): KadResponse {
    const { type } = request;
    if (type === 'ping') return { type, record: null, closer: [] };
    if (type === 'put-value') {
      const kept = this.#keep(request.record, client, from);
      return { type, record: kept ? request.record : null, closer: [] };
    }
    const { key } = request;
    const value = type === 'get-value' ? this.#init.store.get(key) : null;
    return { type, record: value === null ? null : { key, value }, closer: this.#closer(key, from) };
  }

  #keep({ key, value }: KadRecord, client: Client, from: PeerId): boolean {
    try {
      this.#init.store.offer(key, value, from.toString());
      return true;
    } catch (error) {
      this.#refused++;
      if (error instanceof DhtError) {
        if (FORGED.includes(error.code)) client.allowance.take(this.#limits.forgedCost);
        this.#log('debug', 'a slot was refused', { code: error.code });
      } else if (error instanceof KithError) {
        this.#log('error', 'a slot could not be kept', { code: error.code });
      } else throw error;
      return false;
    }
  }

  /** Keys of the closest peers, without the one who asks. */
  #closer(key: Uint8Array, from: PeerId): Uint8Array[] {
    const near = this.#init.routing.closest(this.#provider.sha256(key), MAX_CLOSER_PEERS + 1);
    return near
      .filter((peer) => !peer.equals(from))
      .flatMap((peer) => (peer.type === 'Ed25519' ? peer.publicKey.raw : []))
      .slice(0, MAX_CLOSER_PEERS);
  }

  readonly #encodePeer = (publicKey: Uint8Array): Uint8Array => {
    const name = String.fromCharCode(...publicKey);
    let encoded = this.#encoded.get(name);
    if (encoded === undefined) {
      encoded = encodeKadPeer(publicKey);
      if (this.#encoded.size >= this.#limits.encodedPeers) this.#encoded.clear();
      this.#encoded.set(name, encoded);
    }
    return encoded;
  };

  #client(connection: Connection): Client {
    let client = this.#clients.get(connection);
    if (client === undefined) {
      const { burst, perSecond } = this.#limits;
      client = { streams: 0, allowance: new Allowance(this.#init.clock, burst, perSecond) };
      this.#clients.set(connection, client);
    }
    return client;
  }
}
