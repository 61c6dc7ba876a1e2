/** Two libp2p nodes, or two bare connections, over a pair of node streams: enough transport for encrypter tests. */

import {
  type AbortOptions,
  type ComponentLogger,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type ListenerEvents,
  type Logger,
  type MessageStream,
  type MessageStreamDirection,
  serviceCapabilities,
  type Transport,
  transportSymbol,
  TypedEventEmitter,
  type Upgrader,
} from '@libp2p/interface';
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Duplex, duplexPair } from 'node:stream';
import type { Uint8ArrayList } from 'uint8arraylist';

/** A logger that says nothing. */
export function quietLogger(): ComponentLogger {
  const nothing = (): void => undefined;
  const log: Logger = Object.assign(nothing.bind(null), {
    error: nothing,
    trace: nothing,
    enabled: false,
    newScope: (): Logger => log,
  });
  return { forComponent: () => log };
}

let connections = 0;

/** A node stream as libp2p's raw connection, with backpressure both ways. */
export class StreamConnection extends AbstractMultiaddrConnection {
  readonly #stream: Duplex;

  constructor(stream: Duplex, direction: MessageStreamDirection, remoteAddr?: Multiaddr) {
    const log = quietLogger().forComponent('test');
    super({ log, direction, remoteAddr: remoteAddr ?? multiaddr(`/memory/link-${connections++}`) });
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.onData(new Uint8Array(chunk)));
    stream.on('end', () => {
      stream.end();
      this.onTransportClosed();
    });
    stream.on('error', (error) => this.abort(error));
    stream.on('close', () => this.onTransportClosed());
    stream.on('drain', () => this.safeDispatchEvent('drain'));
  }

  override sendData(data: Uint8ArrayList): SendResult {
    return { sentBytes: data.byteLength, canSendMore: this.#stream.write(data.subarray()) };
  }

  override async sendClose(_options?: AbortOptions): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }

  override sendReset(): void {
    this.#stream.destroy();
  }

  override sendPause(): void {
    this.#stream.pause();
  }

  override sendResume(): void {
    this.#stream.resume();
  }
}

type Accept = (stream: Duplex) => void;

/** A transport on addresses `/memory/<name>`, all in this process. */
export function memoryTransport(network: Map<string, Accept>): () => Transport {
  return () => ({
    [transportSymbol]: true,
    [Symbol.toStringTag]: 'memory',
    [serviceCapabilities]: ['@libp2p/transport'],
    async dial(address: Multiaddr, { upgrader, signal }: DialTransportOptions): Promise<Connection> {
      const accept = network.get(nameOf(address));
      if (accept === undefined) throw new Error('nobody listens there');
      const [ours, theirs] = duplexPair();
      accept(theirs);
      const connection = new StreamConnection(ours, 'outbound', address);
      return await upgrader.upgradeOutbound(connection, { signal });
    },
    createListener: ({ upgrader }: CreateListenerOptions) => new MemoryListener(network, upgrader),
    listenFilter: (addresses: Multiaddr[]) => addresses,
    dialFilter: (addresses: Multiaddr[]) => addresses,
  });
}

class MemoryListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #network: Map<string, Accept>;
  readonly #upgrader: Upgrader;
  readonly #addresses: Multiaddr[] = [];

  constructor(network: Map<string, Accept>, upgrader: Upgrader) {
    super();
    this.#network = network;
    this.#upgrader = upgrader;
  }

  listen(address: Multiaddr): Promise<void> {
    this.#addresses.push(address);
    this.#network.set(nameOf(address), (stream) => {
      const connection = new StreamConnection(stream, 'inbound');
      const signal = AbortSignal.timeout(10_000);
      this.#upgrader.upgradeInbound(connection, { signal }).catch((error: Error) => connection.abort(error));
    });
    this.safeDispatchEvent('listening');
    return Promise.resolve();
  }

  getAddrs(): Multiaddr[] {
    return this.#addresses;
  }

  close(): Promise<void> {
    for (const address of this.#addresses) this.#network.delete(nameOf(address));
    this.safeDispatchEvent('close');
    return Promise.resolve();
  }

  updateAnnounceAddrs(): void {
    // nothing is announced
  }
}

function nameOf(address: Multiaddr): string {
  return address.getComponents()[0]?.value ?? '';
}

/** Collects all bytes that a stream delivers. */
export function collect(stream: MessageStream): {
  readonly bytes: () => Uint8Array;
  readonly ended: Promise<void>;
} {
  const parts: Uint8Array[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.addEventListener('message', (event) => parts.push(event.data.subarray()));
  stream.addEventListener('remoteCloseWrite', () => resolve());
  stream.addEventListener('close', () => resolve());
  return { bytes: () => Uint8Array.from(Buffer.concat(parts)), ended: promise };
}

/** Sends everything, waiting for drain where told to. */
export async function sendAll(stream: MessageStream, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; at += 40_000) {
    if (stream.send(data.subarray(at, at + 40_000))) continue;
    await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }));
  }
}
