/**
 * The libp2p 3 transport over onion services: glue between libp2p's upgrader and kith's dialer, endpoint and links.
 * Holds no protocol of its own.
 *
 * Order of start: tor here, then (by libp2p) the listener, which publishes. Order of stop: libp2p closes listeners
 * and connections, then a tor that this transport started is stopped.
 */

import { dirname } from 'node:path';
import type {
  Connection,
  CreateListenerOptions,
  DialTransportOptions,
  Listener,
  Startable,
  Transport,
} from '@libp2p/interface';
import { serviceCapabilities, transportSymbol } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { ChannelHandler } from '../net/acceptor.ts';
import { Channels, type SecureChannel } from '../net/channel.ts';
import { linkIdentity } from '../net/link-identity.ts';
import { resettingMuxer } from '../net/muxer.ts';
import { isOnionMultiaddr } from '../net/persona/connection-defaults.ts';
import { systemClock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { systemRandom } from '../safety/random.ts';
import { encodeOnionMultiaddr, ONION_PORT, type OnionAddress, onionOf } from '../wire/onion.ts';
import { OnionDialer } from './dialer.ts';
import { OnionEndpoint } from './endpoint.ts';
import { TransportError } from './errors.ts';
import { Arrivals, channelInbound, type Inbound, rawInbound } from './inbound.ts';
import { onionSeedOf, seedOf } from './keys.ts';
import { STREAM_WINDOW_BYTES, YAMUX_PING_INTERVAL_MS } from './limits.ts';
import { OnionListener } from './listener.ts';
import { type TorHost, type TorTransportComponents, type TorTransportInit, torOf } from './options.ts';
import { type DialChannelOptions, noChannels, Outbound } from './outbound.ts';

/**
 * One ping at the start measures the round trip, without which yamux keeps its smallest window; then none, because
 * each would be a timing signal.
 */
const YAMUX_OPTIONS = {
  enableKeepAlive: true,
  keepAliveInterval: YAMUX_PING_INTERVAL_MS,
  maxInboundStreams: 128,
  streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES },
};

export class OnionTransport implements Transport, Startable {
  readonly [transportSymbol] = true;
  readonly [Symbol.toStringTag] = 'kith/transport-tor';
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport'];
  /** Where others reach this node, once libp2p listens there. */
  readonly onion: OnionAddress;
  /** The tor below. */
  readonly tor: TorHost;
  /** Opens streams of this transport; its records are worth keeping between runs. */
  readonly dialer: OnionDialer;
  /** Behind the listener, for statistics and client keys; undefined with link `libp2p`. */
  readonly endpoint: OnionEndpoint | undefined;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  #startedTor = false;

  constructor(components: TorTransportComponents, init: TorTransportInit) {
    const { clock = systemClock, random = systemRandom, provider = nodeProvider, link = 'kith' } = init;
    const seed = onionSeedOf(components.privateKey, init);
    const log = components.logger.forComponent('kith:transport-tor');
    const muxer = resettingMuxer(yamux(YAMUX_OPTIONS)());
    this.onion = onionOf(provider.ed25519.publicKey(seed), init.port ?? ONION_PORT);
    this.tor = torOf(init);
    this.dialer =
      init.dialer ??
      new OnionDialer({
        socksPath: () => this.tor.socksPath,
        secret: random(32),
        ready: (signal) => this.tor.ready(signal),
        refresh: async (host, signal) => this.tor.services.refresh?.(host, signal),
        clock,
        random,
        provider,
        ...(init.log === undefined ? {} : { log: init.log }),
      });
    const { open } = this.dialer;
    const service = {
      ...init,
      seed,
      socketDir: init.socketDir ?? dirname(this.tor.socksPath),
      services: this.tor.services,
    };
    const arriving = { arrivals: new Arrivals(), muxer, log, clock };
    const identity = link === 'kith' ? linkIdentity(seedOf(components.privateKey), provider) : undefined;
    if (init.endpoint !== undefined && init.endpoint.onion.host !== this.onion.host) throw notOwnOnion();
    this.endpoint =
      identity === undefined ? undefined : (init.endpoint ?? new OnionEndpoint({ ...service, identity }));
    this.#inbound =
      this.endpoint === undefined
        ? rawInbound(seed, this.onion, service, arriving)
        : channelInbound(this.endpoint, init.endpoint === undefined, arriving);
    this.#outbound = new Outbound({
      own: this.onion,
      purpose: init.purpose ?? 'libp2p',
      bindPeerId: init.bindPeerId ?? true,
      open,
      link:
        identity === undefined
          ? undefined
          : { identity, channels: new Channels({ open, clock, random, provider }) },
      muxer,
      log,
      clock,
    });
  }

  /** Starts the tor below if it does not run yet; resolves when it can build circuits. */
  async start(): Promise<void> {
    const { state } = this.tor.status();
    if (state !== 'stopped' && state !== 'failed') return;
    this.#startedTor = true;
    await this.tor.start();
  }

  /** Listeners and connections are libp2p's to close; what is left comes in {@link afterStop}. */
  stop(): void {}

  async afterStop(): Promise<void> {
    if (!this.#startedTor) return;
    this.#startedTor = false;
    // without it the last bytes of connections that libp2p has just closed would be cut off
    await this.#outbound.left();
    await this.tor.stop();
  }

  /** Refuses wrong addresses before anything is sent. Throws as OnionDialer, Channels and the upgrader do. */
  dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    return this.#outbound.dial(address, options);
  }

  /** Opens a raw channel to any onion. Throws {@link TransportError} NO_CHANNELS with link `libp2p`. */
  dialChannel(onion: OnionAddress, options: DialChannelOptions): Promise<SecureChannel> {
    return this.#outbound.dialChannel(onion, options);
  }

  /** Serves a raw protocol on this node's onion, beside libp2p. See {@link OnionEndpoint.handle}. */
  handle(protocol: string, handler: ChannelHandler): void {
    if (this.endpoint === undefined) throw noChannels();
    this.endpoint.handle(protocol, handler);
  }

  unhandle(protocol: string): void {
    this.endpoint?.unhandle(protocol);
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    return new OnionListener({
      start: async (address, signal) => {
        if (address.toString() !== encodeOnionMultiaddr(this.onion)) throw notOwnOnion();
        await this.#inbound.start(upgrader, signal);
      },
      stop: () => this.#inbound.stop(),
    });
  }

  /** Onions in the one exact form; whether it is ours is said by `listen`, with a reason. */
  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(isOnionMultiaddr);
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(isOnionMultiaddr);
  }
}

function notOwnOnion(): TransportError {
  return new TransportError('NOT_OWN_ONION', 'a node can only listen on the onion of its own key', {
    hint: 'Use onionMultiaddr(privateKey) for the listen address, and the port and endpoint of that onion.',
  });
}
