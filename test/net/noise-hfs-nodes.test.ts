import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import { NOISE_HFS_PROTOCOL, noiseHfs } from '../../src/net/noise-hfs.ts';
import { equal } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { until } from './edge.ts';
import { collect, memoryTransport, quietLogger, sendAll } from './libp2p-pair.ts';

describe('libp2p nodes with noiseHfs', () => {
  const network = new Map<string, (stream: Duplex) => void>();

  function node(name: string, ...encrypters: 'hfs'[] | 'noise'[] | ['hfs', 'noise']): Promise<Libp2p> {
    return createLibp2p({
      addresses: { listen: [`/memory/${name}`] },
      transports: [memoryTransport(network)],
      connectionEncrypters: encrypters.map((kind) => (kind === 'hfs' ? noiseHfs() : noise())),
      streamMuxers: [yamux()],
      services: { ping: ping() },
      logger: quietLogger(),
    });
  }

  async function echo(from: Libp2p, to: Libp2p, name: string): Promise<string | undefined> {
    await to.handle('/echo', (stream: Stream) => {
      stream.addEventListener('message', (event) => stream.send(event.data));
      stream.addEventListener('remoteCloseWrite', () => void stream.close());
    });
    const connection = await from.dial(multiaddr(`/memory/${name}/p2p/${to.peerId.toString()}`));
    const stream = await connection.newStream('/echo');
    const data = systemRandom(500_000);
    const reply = collect(stream);
    await sendAll(stream, data);
    await stream.close();
    await reply.ended;
    await until(() => reply.bytes().length >= data.length);
    assert.ok(equal(reply.bytes(), data));
    await connection.close();
    return connection.encryption;
  }

  test('talk to each other, and beside them nodes with @libp2p/noise', async () => {
    const nodes = await Promise.all([
      node('a', 'hfs'),
      node('b', 'hfs'),
      node('c', 'noise'),
      node('d', 'hfs', 'noise'),
    ]);
    const [a, b, c, d] = nodes;
    try {
      assert.equal(await echo(a, b, 'b'), NOISE_HFS_PROTOCOL);
      assert.equal(await echo(c, d, 'd'), '/noise');
      assert.equal(await echo(d, a, 'a'), NOISE_HFS_PROTOCOL);
      await assert.rejects(
        a.dial(multiaddr('/memory/c')),
        'hybrid only and classical only have nothing in common',
      );
      await assert.rejects(a.dial(multiaddr(`/memory/b/p2p/${c.peerId.toString()}`)), 'the wrong peer');
    } finally {
      for (const one of nodes) await one.stop();
    }
  });
});
