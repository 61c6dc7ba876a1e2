import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PrivateKey, Stream, StreamMuxer } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';
import { resettingMuxer } from '../../src/net/muxer.ts';
import { noiseHfs } from '../../src/net/noise-hfs.ts';
import { until } from './edge.ts';
import { memoryPair, socketPair } from './links.ts';
import { StreamConnection } from './libp2p-pair.ts';

const SENT = 10_000;
const [aliceKey, bobKey] = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')]);
const getStreamMuxers = () => new Map([['/yamux/1.0.0', yamux({ enableKeepAlive: false })()]]);

function encrypter(privateKey: PrivateKey) {
  return noiseHfs()({ privateKey, upgrader: { getStreamMuxers } });
}

/** What a `for await` over a stream came to. */
interface Reading {
  readonly bytes: number;
  readonly outcome: Promise<string>;
}

function read(stream: Stream): Reading {
  const taken = { bytes: 0 };
  const outcome = (async () => {
    try {
      for await (const part of stream) taken.bytes += part.byteLength;
      return 'clean';
    } catch (error) {
      return (error as Error).name;
    }
  })();
  return Object.assign(taken, { outcome });
}

interface Muxed {
  readonly ours: StreamMuxer;
  readonly theirs: StreamMuxer;
  readonly connection: StreamConnection;
  /** The sockets in the middle: what arrives from our side, and what goes on to theirs. */
  readonly middle: readonly [Socket, Socket];
  /** From now on only so many bytes reach the other side, then a FIN. */
  cutAfter(bytes: number): void;
}

/** Two muxers over noiseHfs, with somebody between them who can cut. */
async function muxed(t: TestContext): Promise<Muxed> {
  const [a, x] = await socketPair(t);
  const [y, b] = await socketPair(t);
  let left = Infinity;
  x.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    y.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) y.end();
  });
  x.on('end', () => y.end());
  y.on('data', (chunk: Buffer) => x.write(chunk));
  y.on('end', () => x.end());
  for (const end of [a, b, x, y]) end.on('error', () => undefined);
  const connection = new StreamConnection(a, 'outbound');
  const accepted = new StreamConnection(b, 'inbound');
  // accepted sockets come paused
  for (const end of [x, b]) end.resume();
  const [outbound, inbound] = await Promise.all([
    encrypter(aliceKey).secureOutbound(connection),
    encrypter(bobKey).secureInbound(accepted),
  ]);
  assert.ok(outbound.streamMuxer && inbound.streamMuxer);
  return {
    ours: outbound.streamMuxer.createStreamMuxer(outbound.connection),
    theirs: inbound.streamMuxer.createStreamMuxer(inbound.connection),
    connection,
    middle: [x, y],
    cutAfter: (bytes) => {
      left = bytes;
    },
  };
}

/** A stream on which bytes have arrived, and its reader on the other side. */
async function begun({ ours, theirs }: Pick<Muxed, 'ours' | 'theirs'>) {
  const arriving = once(theirs as unknown as EventTarget, 'stream');
  const stream = await ours.createStream();
  const [event] = (await arriving) as [CustomEvent<Stream>];
  const reading = read(event.detail);
  stream.send(new Uint8Array(SENT));
  await until(() => reading.bytes === SENT);
  return { stream, reading, theirStream: event.detail };
}

describe('muxed streams over noiseHfs', { timeout: 60_000 }, () => {
  test('throw when the connection is destroyed', async (t) => {
    const link = await muxed(t);
    const { stream, reading } = await begun(link);
    const back = read(stream);
    for (const socket of link.middle) socket.destroy();
    assert.equal(await reading.outcome, 'StreamResetError');
    assert.equal(await back.outcome, 'StreamResetError');
    assert.equal(reading.bytes, SENT);
  });

  test('throw when it ends between two records', async (t) => {
    const link = await muxed(t);
    const { reading, theirStream } = await begun(link);
    link.middle[1].end();
    assert.equal(await reading.outcome, 'StreamResetError');
    assert.equal(theirStream.status, 'reset');
  });

  test('throw when it ends inside a record', async (t) => {
    const link = await muxed(t);
    const { stream, reading } = await begun(link);
    link.cutAfter(500);
    stream.send(new Uint8Array(SENT));
    assert.equal(await reading.outcome, 'StreamResetError');
    assert.equal(reading.bytes, SENT);
  });

  test('end when the peer ends them, and a loss after that is no news to the reader', async (t) => {
    const link = await muxed(t);
    const { stream, reading, theirStream } = await begun(link);
    await stream.close();
    assert.equal(await reading.outcome, 'clean');
    // but to a writer it is: what was sent may not have arrived
    const closed = once(theirStream as unknown as EventTarget, 'close');
    for (const socket of link.middle) socket.destroy();
    const [event] = (await closed) as [{ error?: Error }];
    assert.equal(event.error?.name, 'StreamResetError');
  });

  test('end when the peer closes muxer and connection in order', async (t) => {
    const link = await muxed(t);
    const { reading, theirStream } = await begun(link);
    const closed = once(theirStream as unknown as EventTarget, 'close');
    await link.ours.close();
    await link.connection.close();
    assert.equal(await reading.outcome, 'clean');
    const [event] = (await closed) as [{ error?: Error }];
    assert.equal(event.error, undefined);
    assert.equal(theirStream.status, 'closed');
  });
});

describe('a mended muxer', { timeout: 60_000 }, () => {
  function pair() {
    const [a, b] = memoryPair();
    const connections = [new StreamConnection(a, 'outbound'), new StreamConnection(b, 'inbound')] as const;
    const factory = resettingMuxer(yamux({ enableKeepAlive: false })());
    const [ours, theirs] = connections.map((connection) => factory.createStreamMuxer(connection));
    assert.ok(ours && theirs);
    return { ours, theirs, connections };
  }

  test('resets streams that a GoAway or a clean close leaves open', async () => {
    for (const way of ['GoAway', 'close of the peer', 'own close'] as const) {
      const { ours, theirs, connections } = pair();
      const { reading } = await begun({ ours, theirs });
      // type 3, stream 0, reason 0: the peer's normal termination
      if (way === 'GoAway') connections[0].send(Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
      else await connections[way === 'own close' ? 1 : 0].close();
      assert.equal(await reading.outcome, 'StreamResetError', way);
      assert.equal(reading.bytes, SENT);
      assert.deepEqual([theirs.streams.length, theirs.status], [0, 'closed']);
    }
  });

  test('leaves alone what is not made like the muxers of libp2p', () => {
    const other = { protocol: '/other' } as StreamMuxer;
    const factory = resettingMuxer({ protocol: '/other', createStreamMuxer: () => other });
    assert.equal(factory.createStreamMuxer(new StreamConnection(memoryPair()[0], 'outbound')), other);
    assert.equal(factory.protocol, '/other');
  });
});
