/**
 * The inbound edge: takes raw connections from a listener, runs the accepting side of the handshake under limits, and
 * hands authenticated channels to the handler of the protocol that the dialer named.
 *
 * Anybody who knows the onion reaches this. Until message 3 a peer has proven nothing and costs a book entry
 * (waiting-room.ts) and one turn of cryptography; after it, it has proven a key that may have been made a second ago,
 * so who may do what is the handler's decision.
 *
 * The listener should use `{ pauseOnConnect: true, highWaterMark: 16384 }` and a long backlog.
 */

import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { KithError } from '../safety/errors.ts';
import { type Log, silent } from '../safety/log.ts';
import { type RandomBytes, systemRandom } from '../safety/random.ts';
import { isLinkName } from '../wire/link-payload.ts';
import { socketChannel } from './byte-channel.ts';
import { ChannelError } from './errors.ts';
import { FrameReader } from './frame-reader.ts';
import { AcceptHandshake, CHANNEL_PROLOGUE, readMessage1, readMessage3 } from './handshake.ts';
import { ACCEPTOR_LIMITS, type AcceptorLimits } from './limits.ts';
import type { LinkIdentity } from './link-identity.ts';
import { OpenChannels } from './open-channels.ts';
import { LinkChannel, type SecureChannel } from './secure-channel.ts';
import { Turns } from './turns.ts';
import { type Guest, WaitingRoom } from './waiting-room.ts';

export interface AcceptorInit {
  /** Who we are to whoever dials. */
  identity: LinkIdentity;
  provider?: Provider;
  random?: RandomBytes;
  clock?: Clock;
  log?: Log;
  limits?: Partial<AcceptorLimits>;
}

export interface AcceptorStats {
  /** Handshakes under way. */
  pending: number;
  /** Connections refused, timed out or evicted before they proved a key, since the start. */
  refused: number;
  /** Authenticated channels with a running handler. */
  open: number;
}

export type ChannelHandler = (channel: SecureChannel) => Promise<void>;

export class Acceptor {
  readonly #identity: LinkIdentity;
  readonly #provider: Provider;
  readonly #random: RandomBytes;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #room: WaitingRoom;
  readonly #channels: OpenChannels;
  readonly #turns = new Turns();
  readonly #handlers = new Map<string, ChannelHandler>();
  #closed = false;

  constructor({ identity, provider, random, clock, log, limits }: AcceptorInit) {
    this.#identity = identity;
    this.#provider = provider ?? nodeProvider;
    this.#random = random ?? systemRandom;
    this.#clock = clock ?? systemClock;
    this.#log = log ?? silent;
    const all: AcceptorLimits = { ...ACCEPTOR_LIMITS, ...limits };
    this.#room = new WaitingRoom(this.#clock, all);
    this.#channels = new OpenChannels(this.#clock, this.#log, all);
  }

  /**
   * Serves a protocol. The channel is the handler's until its promise settles: then it is ended if the handler did
   * not, or aborted if it threw. Throws RangeError on a bad name or one that is served already.
   */
  handle(protocol: string, handler: ChannelHandler): void {
    if (!isLinkName(protocol))
      throw new RangeError('a protocol name is 1 to 255 characters of printable ASCII');
    if (this.#handlers.has(protocol)) throw new RangeError('this protocol is served already');
    this.#handlers.set(protocol, handler);
  }

  /** Serves a protocol no more; open channels go on. */
  unhandle(protocol: string): void {
    this.#handlers.delete(protocol);
  }

  /** Takes ownership of a connection, its errors included. */
  accept(socket: Duplex): void {
    // never rejects: whatever goes wrong ends in a refusal
    if (!this.#closed) void this.#serve(this.#room.admit(socket));
    else socketChannel(socket).abort(new ChannelError('CLOSED'));
  }

  stats(): AcceptorStats {
    return { pending: this.#room.pending, refused: this.#room.refused, open: this.#channels.open };
  }

  /** Drops all connections and waits for the handlers. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#room.close();
    await this.#channels.close();
  }

  async #serve(guest: Guest): Promise<void> {
    try {
      const channel = await this.#authenticate(guest);
      this.#room.release(guest);
      this.#dispatch(guest, channel);
    } catch (error) {
      this.#room.refuse(guest);
      this.#log('debug', 'inbound handshake refused', {
        code: error instanceof KithError ? error.code : 'UNKNOWN',
      });
    }
  }

  async #authenticate(guest: Guest): Promise<LinkChannel> {
    const { channel: lower, signal } = guest;
    const frames = new FrameReader(lower);
    const message1 = await readMessage1(frames, signal);
    // before message 2 nobody can have more to say: a push, and each would hold 64 KiB while it waits for its turn
    if (frames.ahead) throw new ChannelError('HANDSHAKE_FAILED');
    this.#room.answering(guest);
    const handshake = new AcceptHandshake({
      provider: this.#provider,
      random: this.#random,
      prologue: CHANNEL_PROLOGUE,
      identity: this.#identity,
      expectedKey: null,
    });
    const frame2 = await this.#turns.run(() => handshake.answer(message1, []));
    // before the wait for room in the socket: that is the peer's time too
    this.#room.answered(guest);
    await lower.write(frame2, signal);
    const message3 = await readMessage3(frames, signal);
    this.#room.answering(guest);
    const established = await this.#turns.run(() => handshake.complete(message3), true);
    signal.throwIfAborted();
    const [protocol] = established.names;
    if (protocol === undefined) throw new ChannelError('PROTOCOL_UNKNOWN');
    return new LinkChannel({ lower, frames, established, protocol, clock: this.#clock });
  }

  #dispatch(guest: Guest, channel: LinkChannel): void {
    const handler = this.#handlers.get(channel.protocol);
    const taken =
      handler === undefined
        ? this.#channels.refuse(channel, 'protocol-unknown')
        : this.#channels.serve(channel, handler);
    if (!taken) this.#room.hold(guest.socket);
  }
}
