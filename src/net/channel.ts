/**
 * The one primitive under everything: `dial(onion, options)` gives an authenticated, encrypted stream to the holder
 * of that onion's key. No peer store, no identify, no muxer, and whatever identity the caller wants to have here.
 *
 * Message 1 of the handshake goes out as early data with the connect, so the first reply of the peer is there two
 * round trips after the dial began to connect. The dialer shows its identity only to the expected key.
 */

import { type Clock, systemClock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type RandomBytes, systemRandom } from '../safety/random.ts';
import { isLinkName } from '../wire/link-payload.ts';
import type { OnionAddress } from '../wire/onion.ts';
import type { ByteChannel } from './byte-channel.ts';
import { withDeadline } from './deadline.ts';
import { FrameReader } from './frame-reader.ts';
import { CHANNEL_PROLOGUE, DialHandshake, handshakeError, readMessage2 } from './handshake.ts';
import { DIAL_HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import type { LinkIdentity } from './link-identity.ts';
import { LinkChannel, type SecureChannel } from './secure-channel.ts';

export type { ByteChannel } from './byte-channel.ts';
export type { LinkIdentity } from './link-identity.ts';
export type { SecureChannel } from './secure-channel.ts';

/**
 * Opens a plain stream to an onion. `early` is written right behind the request to connect; the returned channel
 * continues after it. `isolation` and `purpose` decide which streams may share a circuit.
 */
export type OpenStream = (
  onion: OnionAddress,
  options: {
    purpose: string;
    isolation: string;
    early: Uint8Array;
    signal?: AbortSignal;
    urgent?: boolean;
  },
) => Promise<ByteChannel>;

export interface DialOptions {
  /** Who we are on this link. */
  as: LinkIdentity;
  /** What follows: "libp2p" or a raw protocol, 1 to 255 characters of printable ASCII. */
  protocol: string;
  purpose: string;
  isolation: string;
  signal?: AbortSignal;
  /** Jumps the dial queue: for user actions. */
  urgent?: boolean;
  /** The key the peer must prove. Default: the onion's. Null: any key. */
  expectedKey?: Uint8Array | null;
}

export interface ChannelsComponents {
  open: OpenStream;
  provider?: Provider;
  random?: RandomBytes;
  clock?: Clock;
}

export class Channels {
  readonly #open: OpenStream;
  readonly #provider: Provider;
  readonly #random: RandomBytes;
  readonly #clock: Clock;

  constructor({ open, provider, random, clock }: ChannelsComponents) {
    this.#open = open;
    this.#provider = provider ?? nodeProvider;
    this.#random = random ?? systemRandom;
    this.#clock = clock ?? systemClock;
  }

  /**
   * Throws ChannelError WRONG_KEY, HANDSHAKE_FAILED or TIMEOUT, what {@link OpenStream} throws, or the signal's
   * reason. Whether the peer serves the protocol shows at the first read (PROTOCOL_UNKNOWN).
   */
  async dial(onion: OnionAddress, options: DialOptions): Promise<SecureChannel> {
    const { as, protocol, purpose, isolation, signal, urgent, expectedKey = onion.publicKey } = options;
    if (!isLinkName(protocol))
      throw new RangeError('a protocol name is 1 to 255 characters of printable ASCII');
    signal?.throwIfAborted();
    const handshake = new DialHandshake({
      provider: this.#provider,
      random: this.#random,
      prologue: CHANNEL_PROLOGUE,
      identity: as,
      expectedKey,
    });
    const lower = await this.#open(onion, {
      purpose,
      isolation,
      early: handshake.frame1,
      ...(signal === undefined ? {} : { signal }),
      ...(urgent === undefined ? {} : { urgent }),
    });
    try {
      return await withDeadline(this.#clock, DIAL_HANDSHAKE_TIMEOUT_MS, signal, (within) =>
        this.#finish(lower, handshake, protocol, within),
      );
    } catch (error) {
      const failure = handshakeError(error, signal);
      lower.abort(failure);
      throw failure;
    }
  }

  async #finish(
    lower: ByteChannel,
    handshake: DialHandshake,
    protocol: string,
    signal: AbortSignal,
  ): Promise<SecureChannel> {
    const frames = new FrameReader(lower);
    const message2 = await readMessage2(frames, 0, signal);
    const { frame3, established } = await handshake.complete(message2, 0, () => [protocol]);
    await lower.write(frame3, signal);
    return new LinkChannel({ lower, frames, established, protocol, clock: this.#clock });
  }
}
