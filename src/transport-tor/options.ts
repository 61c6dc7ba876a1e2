/** What an embedder can choose about the transport, and what the transport needs of libp2p and of tor. */

import type { ComponentLogger, PrivateKey } from '@libp2p/interface';
import type { AcceptorInit } from '../net/acceptor.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { OnionDialer } from './dialer.ts';
import type { OnionEndpoint } from './endpoint.ts';
import type { OnionPublisher, ServiceOptions } from './onion-server.ts';
import { TransportError } from './errors.ts';
import { Tor, type TorInit } from './tor/tor.ts';

/** A tor that runs or can be started: `Tor`, or one of the fake network. */
export interface TorHost {
  readonly socksPath: string;
  readonly services: OnionPublisher;
  start(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when dials can begin. */
  ready(signal?: AbortSignal): Promise<void>;
  status(): { readonly state: string };
}

/** Exactly one of the two says which tor. */
export interface TorChoice {
  /** A tor of the caller's. Started and stopped by the transport if it is stopped when the transport starts. */
  readonly tor?: TorHost;
  /** Directory of a tor that the transport owns. It is kept between runs and belongs to this transport alone. */
  readonly dataDir?: string;
  /** More about the tor in `dataDir`: binary, bridges, extra configuration. */
  readonly torInit?: Omit<TorInit, 'dataDir'>;
}

export interface TorTransportInit extends TorChoice, ServiceOptions {
  /** Virtual port of the onion, and of the listen address; default 1000. */
  readonly port?: number;
  /** Short directory (path below 86 bytes) for the onion's unix socket, made 0700. Default: beside tor's SOCKS socket. */
  readonly socketDir?: string;
  /**
   * How a connection is secured. `kith` (default): kith's post-quantum handshake, then yamux, without a round trip
   * of negotiation; both sides need this transport. `libp2p`: left to the app's connectionEncrypters and muxers.
   */
  readonly link?: 'kith' | 'libp2p';
  /** Whether the PeerId is the onion's key (default), so that an address alone proves a peer. */
  readonly bindPeerId?: boolean;
  /** Ed25519 seed (32 bytes) of the onion. Needed, and allowed, only with `bindPeerId: false`. */
  readonly seed?: Uint8Array;
  /** Name of the circuits' group: 1 to 255 of a-z 0-9 . _ : / -. Default "libp2p". */
  readonly purpose?: string;
  /** Shares a dial queue with other parts on the same tor; default: a dialer of its own. */
  readonly dialer?: OnionDialer;
  /**
   * The onion to serve libp2p on, beside raw protocols of the caller's, who starts and stops it (link `kith`). It has
   * to be the onion of this transport. Default: an endpoint of its own, started by the listener.
   */
  readonly endpoint?: OnionEndpoint;
  /** Bounds of inbound handshakes (link `kith`). */
  readonly limits?: NonNullable<AcceptorInit['limits']>;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly provider?: Provider;
  readonly log?: Log;
}

/** What libp2p hands to its transports, as far as it is used. */
export interface TorTransportComponents {
  readonly privateKey: PrivateKey;
  readonly logger: ComponentLogger;
}

/** The tor that was chosen. Throws {@link TransportError} OPTIONS where none or two were. */
export function torOf(init: TorTransportInit): TorHost {
  const { tor, dataDir, torInit, clock, random, log } = init;
  if (tor !== undefined && dataDir === undefined) return tor;
  if (tor === undefined && dataDir !== undefined) {
    return new Tor({
      ...(clock === undefined ? {} : { clock }),
      ...(random === undefined ? {} : { random }),
      ...(log === undefined ? {} : { log }),
      ...torInit,
      dataDir,
    });
  }
  throw new TransportError('OPTIONS', 'the transport needs one tor', {
    hint: 'Give either tor (a Tor of your own) or dataDir (one that the transport runs).',
  });
}
