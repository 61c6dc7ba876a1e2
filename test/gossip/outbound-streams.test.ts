import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection, PeerId, Stream, Topology } from '@libp2p/interface';
import { STREAM_TRIES } from '../../src/gossip/limits.ts';
import { OutboundStreams, type OutboundStreamsInit } from '../../src/gossip/outbound-streams.ts';

type Registrar = OutboundStreamsInit['registrar'];
type ConnectionManager = OutboundStreamsInit['connectionManager'];

/** gossipsub's and libp2p's sides of it: which peers got a stream, and how often one was asked for. */
class Scene {
  readonly given = new Set<string>();
  readonly asked: string[] = [];
  readonly aborted: string[] = [];
  takes = true;
  readonly streams: OutboundStreams;
  readonly #connections = new Map<string, Connection>();
  #topology: Topology | undefined;

  constructor() {
    const registrar: Partial<Registrar> = {
      register: async (_protocol, topology) => {
        this.#topology = topology;
        return 'id';
      },
    };
    const connectionManager: Partial<ConnectionManager> = {
      getConnections: (peer) => [this.#connections.get(String(peer))].filter((c) => c !== undefined),
    };
    this.streams = new OutboundStreams({
      registrar: registrar as Registrar,
      connectionManager: connectionManager as ConnectionManager,
      has: (peer) => this.given.has(peer),
      forget: (peer) => void this.given.delete(peer),
      onOpen: () => {},
    });
  }

  async start(): Promise<void> {
    this.streams.start();
    await this.streams.registrar.register('p', {
      onConnect: (peer, connection) => {
        // as gossipsub: what is given is taken, and failure is only logged
        connection.newStream('p').then(
          () => this.takes && this.given.add(peer.toString()),
          () => {},
        );
      },
    });
  }

  connect(name: string, newStream: () => Promise<Stream>): PeerId {
    const remotePeer = { toString: () => name } as PeerId;
    const part: Partial<Connection> = {
      remotePeer,
      status: 'open',
      newStream: () => {
        this.asked.push(name);
        return newStream();
      },
    };
    const connection = part as Connection;
    this.#connections.set(name, connection);
    void this.#topology?.onConnect?.(remotePeer, connection);
    return remotePeer;
  }

  disconnect(peer: PeerId): void {
    void this.#topology?.onDisconnect?.(peer);
  }

  stream(name: string): Promise<Stream> {
    const part: Partial<Stream> = { status: 'open', abort: () => void this.aborted.push(name) };
    return Promise.resolve(part as Stream);
  }
}

/** After the promises, and what they leave for the turns of the event loop after them. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('a peer that never answers keeps no other waiting', async () => {
  const scene = new Scene();
  await scene.start();
  for (let i = 0; i < 10; i++) scene.connect(`silent ${i}`, () => new Promise(() => {}));
  scene.connect('honest', () => scene.stream('honest'));
  await settled();
  assert.deepEqual([...scene.given], ['honest']);
});

test('a stream is asked for again, a few times, and afresh after the peer came back', async () => {
  const scene = new Scene();
  await scene.start();
  const fails = (): Promise<Stream> => Promise.reject(new Error('no'));
  const peer = scene.connect('peer', fails);
  for (let i = 0; i < 3 * STREAM_TRIES; i++) {
    await settled();
    scene.streams.open(peer);
  }
  assert.equal(scene.asked.length, STREAM_TRIES);
  scene.disconnect(peer);
  scene.connect('peer', () => scene.stream('peer'));
  await settled();
  assert.ok(scene.given.has('peer'));
  scene.streams.open(peer);
  assert.equal(scene.asked.length, STREAM_TRIES + 1, 'who has a stream needs none');
});

test('a stream that gossipsub does not take is closed', async () => {
  const scene = new Scene();
  await scene.start();
  scene.takes = false;
  scene.connect('peer', () => scene.stream('peer'));
  await settled();
  assert.deepEqual(scene.aborted, ['peer']);
});

test('a stream that broke before gossipsub could notice is replaced', async () => {
  const scene = new Scene();
  await scene.start();
  let status: Stream['status'] = 'open';
  const stream: Partial<Stream> = {
    get status() {
      return status;
    },
  };
  const peer = scene.connect('peer', () => Promise.resolve(stream as Stream));
  await settled();
  scene.streams.open(peer);
  assert.equal(scene.asked.length, 1);
  status = 'reset';
  scene.streams.open(peer);
  assert.ok(!scene.given.has('peer'));
  await settled();
  assert.deepEqual([scene.asked.length, scene.given.has('peer')], [2, true]);
});
