/**
 * The hybrid post-quantum link handshake as a libp2p connection encrypter: `noiseHfs()` goes where `noise()` would.
 *
 * Protocol id `/kith/noise-mlkem768/1`, X25519 and ML-KEM-768 together for confidentiality, Ed25519 identities, no
 * round trip more than @libp2p/noise, and the muxer is negotiated inside the handshake. It should be the only
 * encrypter of a node: the choice between several is made in plain text, where an attacker can strip this one.
 *
 * @example
 * createLibp2p({ transports: [tcp()], connectionEncrypters: [noiseHfs()], streamMuxers: [yamux()] })
 */

import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import {
  type ConnectionEncrypter,
  type MessageStream,
  type PrivateKey,
  type SecureConnectionOptions,
  type SecuredConnection,
  serviceCapabilities,
  type StreamMuxerFactory,
} from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { type Clock, systemClock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type RandomBytes, systemRandom } from '../safety/random.ts';
import { MAX_LINK_NAMES } from '../wire/link-payload.ts';
import type { ByteChannel } from './byte-channel.ts';
import { ChannelError } from './errors.ts';
import { FrameReader } from './frame-reader.ts';
import {
  AcceptHandshake,
  DialHandshake,
  type Established,
  handshakeError,
  type HandshakeInit,
  LIBP2P_PROLOGUE,
  readMessage1,
  readMessage2,
  readMessage3,
} from './handshake.ts';
import { messageStreamChannel } from './message-stream-channel.ts';
import { resettingMuxer } from './muxer.ts';
import { LinkChannel } from './secure-channel.ts';
import { SecureStream } from './secure-stream.ts';

/** Multistream id of the encrypter. */
export const NOISE_HFS_PROTOCOL = '/kith/noise-mlkem768/1';

export interface NoiseHfsInit {
  provider?: Provider;
  random?: RandomBytes;
  clock?: Clock;
}

/** What the encrypter needs of a libp2p node. */
export interface NoiseHfsComponents {
  privateKey: PrivateKey;
  upgrader: { getStreamMuxers(): Map<string, StreamMuxerFactory> };
}

/** Known about a link beyond libp2p's own result. */
export interface NoiseHfsExtensions {
  /** Transcript hash, 32 bytes, the same on both sides and on no other connection: for channel binding. */
  readonly handshakeHash: Uint8Array;
}

/** Throws ChannelError KEY_TYPE, when libp2p creates it, unless the node's key is Ed25519. */
export function noiseHfs(
  init: NoiseHfsInit = {},
): (components: NoiseHfsComponents) => ConnectionEncrypter<NoiseHfsExtensions> {
  return (components) => new NoiseHfs(components, init);
}

class NoiseHfs implements ConnectionEncrypter<NoiseHfsExtensions> {
  readonly protocol = NOISE_HFS_PROTOCOL;
  readonly [Symbol.toStringTag] = 'kith-noise-hfs';
  readonly [serviceCapabilities]: readonly string[] = ['@libp2p/connection-encryption'];
  readonly #components: NoiseHfsComponents;
  readonly #clock: Clock;
  readonly #init: Omit<HandshakeInit, 'expectedKey'>;

  constructor(components: NoiseHfsComponents, { provider, random, clock }: NoiseHfsInit) {
    const { privateKey } = components;
    if (privateKey.type !== 'Ed25519') throw new ChannelError('KEY_TYPE');
    this.#components = components;
    this.#clock = clock ?? systemClock;
    const identity = {
      publicKey: privateKey.publicKey.raw,
      sign: (message: Uint8Array) => privateKey.sign(message),
    };
    this.#init = {
      provider: provider ?? nodeProvider,
      random: random ?? systemRandom,
      prologue: LIBP2P_PROLOGUE,
      identity,
    };
  }

  secureOutbound(stream: MessageStream, options?: SecureConnectionOptions) {
    return this.#secure(stream, options, (lower, frames, init) => this.#dial(lower, frames, init, options));
  }

  secureInbound(stream: MessageStream, options?: SecureConnectionOptions) {
    return this.#secure(stream, options, (lower, frames, init) => this.#accept(lower, frames, init, options));
  }

  async #secure(
    stream: MessageStream,
    options: SecureConnectionOptions | undefined,
    run: (lower: ByteChannel, frames: FrameReader, init: HandshakeInit) => Promise<Secured>,
  ): Promise<SecuredConnection<NoiseHfsExtensions>> {
    const lower = messageStreamChannel(stream);
    const frames = new FrameReader(lower);
    try {
      const init = { ...this.#init, expectedKey: expectedKey(options) };
      const { established, muxer } = await run(lower, frames, init);
      const protocol = muxer ?? 'libp2p';
      const channel = new LinkChannel({ lower, frames, established, protocol, clock: this.#clock });
      const streamMuxer = muxer === undefined ? undefined : this.#muxers(options).get(muxer);
      return {
        connection: new SecureStream(channel, stream),
        remoteExtensions: { handshakeHash: channel.handshakeHash },
        remotePeer: peerIdFromPublicKey(publicKeyFromRaw(established.remoteKey)),
        ...(streamMuxer === undefined ? {} : { streamMuxer: resettingMuxer(streamMuxer) }),
      };
    } catch (error) {
      const failure = handshakeError(error, options?.signal);
      lower.abort(failure);
      throw failure;
    }
  }

  async #dial(
    lower: ByteChannel,
    frames: FrameReader,
    init: HandshakeInit,
    options?: SecureConnectionOptions,
  ): Promise<Secured> {
    const signal = options?.signal;
    const handshake = new DialHandshake(init);
    await lower.write(handshake.frame1, signal);
    const message2 = await readMessage2(frames, MAX_LINK_NAMES, signal);
    const ours = [...this.#muxers(options).keys()];
    let muxer: string | undefined;
    const { frame3, established } = await handshake.complete(message2, MAX_LINK_NAMES, (offered) => {
      muxer = ours.find((name) => offered.includes(name));
      if (muxer === undefined && ours.length > 0 && offered.length > 0)
        throw new ChannelError('NO_COMMON_MUXER');
      return muxer === undefined ? [] : [muxer];
    });
    await lower.write(frame3, signal);
    return { established, muxer };
  }

  async #accept(
    lower: ByteChannel,
    frames: FrameReader,
    init: HandshakeInit,
    options?: SecureConnectionOptions,
  ): Promise<Secured> {
    const signal = options?.signal;
    const handshake = new AcceptHandshake(init);
    const ours = [...this.#muxers(options).keys()].slice(0, MAX_LINK_NAMES);
    await lower.write(await handshake.answer(await readMessage1(frames, signal), ours), signal);
    const established = handshake.complete(await readMessage3(frames, signal));
    const [muxer] = established.names;
    if (muxer !== undefined && !ours.includes(muxer)) throw new ChannelError('NO_COMMON_MUXER');
    return { established, muxer };
  }

  #muxers(options: SecureConnectionOptions | undefined): Map<string, StreamMuxerFactory> {
    return options?.skipStreamMuxerNegotiation === true
      ? new Map()
      : this.#components.upgrader.getStreamMuxers();
  }
}

interface Secured {
  readonly established: Established;
  /** Undefined where nothing was negotiated: libp2p then does it in its own way. */
  readonly muxer: string | undefined;
}

/** The Ed25519 key of the peer that libp2p wants here; null where it knows none. */
function expectedKey(options: SecureConnectionOptions | undefined): Uint8Array | null {
  if (options?.remotePeer === undefined) return null;
  const key = options.remotePeer.publicKey;
  if (key?.type !== 'Ed25519') throw new ChannelError('WRONG_KEY');
  return key.raw;
}
