import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { ConnectionEncrypter, PrivateKey, SecuredConnection } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { yamux } from '@libp2p/yamux';
import { socketChannel } from '../../src/net/byte-channel.ts';
import { FrameReader } from '../../src/net/frame-reader.ts';
import { DialHandshake, LIBP2P_PROLOGUE, readMessage2 } from '../../src/net/handshake.ts';
import { noiseHfs, type NoiseHfsExtensions } from '../../src/net/noise-hfs.ts';
import { equal, toHex } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { MAX_LINK_NAMES } from '../../src/wire/link-payload.ts';
import { nextTurn, until } from './edge.ts';
import { handshakeInit, memoryPair } from './links.ts';
import { collect, sendAll, StreamConnection } from './libp2p-pair.ts';

const keys = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')]);
const [aliceKey, bobKey] = keys;
const muxer = yamux()();

function encrypter(privateKey: PrivateKey, ...muxers: string[]): ConnectionEncrypter<NoiseHfsExtensions> {
  const getStreamMuxers = () => new Map(muxers.map((name) => [name, muxer]));
  return noiseHfs()({ privateKey, upgrader: { getStreamMuxers } });
}

interface Secured {
  readonly ours: SecuredConnection<NoiseHfsExtensions>;
  readonly theirs: SecuredConnection<NoiseHfsExtensions>;
  readonly raw: readonly [Duplex, Duplex];
}

/** Both ends of an encrypted connection in memory. */
async function secure(ours = encrypter(aliceKey), theirs = encrypter(bobKey)): Promise<Secured> {
  const raw = memoryPair();
  const [a, b] = [new StreamConnection(raw[0], 'outbound'), new StreamConnection(raw[1], 'inbound')];
  const remotePeer = peerIdFromPrivateKey(bobKey);
  const [outbound, inbound] = await Promise.all([
    ours.secureOutbound(a, { remotePeer }),
    theirs.secureInbound(b),
  ]);
  return { ours: outbound, theirs: inbound, raw };
}

describe('noiseHfs', () => {
  test('has its own protocol id and takes Ed25519 keys alone', async () => {
    assert.equal(encrypter(aliceKey).protocol, '/kith/noise-mlkem768/1');
    const other = await generateKeyPair('secp256k1');
    assert.throws(() => encrypter(other), { code: 'KEY_TYPE' });
  });

  test('proves both peers, negotiates the muxer, and exposes one hash', async () => {
    const { ours, theirs } = await secure(
      encrypter(aliceKey, '/other', '/yamux/1.0.0'),
      encrypter(bobKey, '/yamux/1.0.0'),
    );
    assert.ok(ours.remotePeer.equals(peerIdFromPrivateKey(bobKey)));
    assert.ok(theirs.remotePeer.equals(peerIdFromPrivateKey(aliceKey)));
    assert.equal(ours.streamMuxer?.protocol, '/yamux/1.0.0');
    assert.equal(theirs.streamMuxer?.protocol, '/yamux/1.0.0');
    const hashes = [ours, theirs].map(({ remoteExtensions }) =>
      toHex(remoteExtensions?.handshakeHash ?? systemRandom(1)),
    );
    assert.equal(hashes[0], hashes[1]);
  });

  test('leaves the muxer to libp2p where a side skips the negotiation', async () => {
    const { ours, theirs } = await secure(encrypter(aliceKey), encrypter(bobKey, '/yamux/1.0.0'));
    assert.deepEqual([ours.streamMuxer, theirs.streamMuxer], [undefined, undefined]);
    const [a, b] = memoryPair();
    const both = encrypter(aliceKey, '/yamux/1.0.0');
    const [outbound] = await Promise.all([
      both.secureOutbound(new StreamConnection(a, 'outbound'), { skipStreamMuxerNegotiation: true }),
      both.secureInbound(new StreamConnection(b, 'inbound')),
    ]);
    assert.equal(outbound.streamMuxer, undefined);
  });

  test('refuses peers without a common muxer', async () => {
    await assert.rejects(secure(encrypter(aliceKey, '/a'), encrypter(bobKey, '/b')), {
      code: 'NO_COMMON_MUXER',
    });
  });

  test('refuses a dialer that names a muxer it was not offered', async () => {
    for (const offered of [[], ['/yamux/1.0.0']]) {
      const [a, b] = memoryPair();
      const signal = AbortSignal.timeout(10_000);
      const accepting = encrypter(bobKey, ...offered).secureInbound(new StreamConnection(b, 'inbound'), {
        signal,
      });
      const lower = socketChannel(a);
      const dialer = new DialHandshake(handshakeInit({ prologue: LIBP2P_PROLOGUE }));
      await lower.write(dialer.frame1);
      const message2 = await readMessage2(new FrameReader(lower));
      const { frame3 } = await dialer.complete(message2, MAX_LINK_NAMES, (names) => {
        assert.deepEqual(names, offered);
        return ['/other'];
      });
      await Promise.all([assert.rejects(accepting, { code: 'NO_COMMON_MUXER' }), lower.write(frame3)]);
      assert.ok(b.destroyed);
    }
  });

  test('refuses another peer than the dialed one, and than the expected one inbound', async () => {
    const expecting = peerIdFromPrivateKey(aliceKey);
    const [a, b] = memoryPair();
    const [outbound, inbound] = await Promise.allSettled([
      encrypter(aliceKey).secureOutbound(new StreamConnection(a, 'outbound'), { remotePeer: expecting }),
      encrypter(bobKey).secureInbound(new StreamConnection(b, 'inbound'), {
        signal: AbortSignal.timeout(5000),
      }),
    ]);
    assert.ok(outbound.status === 'rejected' && (outbound.reason as { code: string }).code === 'WRONG_KEY');
    assert.ok(inbound.status === 'rejected');

    const [c, d] = memoryPair();
    const dialing = encrypter(aliceKey).secureOutbound(new StreamConnection(c, 'outbound'));
    const remotePeer = peerIdFromPrivateKey(bobKey);
    const accepting = encrypter(bobKey).secureInbound(new StreamConnection(d, 'inbound'), { remotePeer });
    await assert.rejects(accepting, { code: 'WRONG_KEY' });
    await dialing;
    const rsa = peerIdFromPrivateKey(await generateKeyPair('secp256k1'));
    const wrongType = encrypter(aliceKey).secureOutbound(new StreamConnection(memoryPair()[0], 'outbound'), {
      remotePeer: rsa,
    });
    await assert.rejects(wrongType, { code: 'WRONG_KEY' });
  });

  test('gives up with the reason of the signal', async () => {
    const stop = new AbortController();
    const [a] = memoryPair();
    const connection = new StreamConnection(a, 'outbound');
    const dialing = encrypter(aliceKey).secureOutbound(connection, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(dialing, /enough/);
    assert.equal(connection.status, 'aborted');
  });

  test('carries data both ways, ends each direction by itself, and then the connection', async () => {
    const { ours, theirs, raw } = await secure();
    const data = systemRandom(3_000_000);
    const atBob = collect(theirs.connection);
    const atAlice = collect(ours.connection);
    await sendAll(ours.connection, data);
    await ours.connection.close();
    await ours.connection.close();
    await atBob.ended;
    assert.ok(equal(atBob.bytes(), data));
    await sendAll(theirs.connection, data.subarray(0, 1000));
    await theirs.connection.close();
    await atAlice.ended;
    assert.ok(equal(atAlice.bytes(), data.subarray(0, 1000)));
    await until(() => raw.every((end) => end.destroyed));
    assert.equal(ours.connection.status, 'closed');
  });

  test('holds the sender back while the receiver is paused or does not listen', async () => {
    const { ours, theirs } = await secure();
    let refusals = 0;
    let sent = 0;
    const fill = async (): Promise<void> => {
      for (let full = 0; full < 50; ) {
        if (ours.connection.writableNeedsDrain) {
          full++;
          await nextTurn();
          continue;
        }
        full = 0;
        if (!ours.connection.send(new Uint8Array(50_000))) refusals++;
        sent += 50_000;
      }
    };
    await fill();
    assert.ok(refusals > 0 && sent < 4_000_000, `${sent} bytes without a listener`);
    assert.ok(theirs.connection.readBufferLength <= 512 * 1024);

    let received = 0;
    theirs.connection.addEventListener('message', (event) => {
      received += event.data.byteLength;
      // the trap: a pause inside a message handler that was called from resume
      theirs.connection.pause();
    });
    await until(() => received > 0);
    const before = sent;
    await fill();
    assert.ok(sent - before < 2_000_000, `${sent - before} bytes while paused`);
    assert.ok(theirs.connection.readBufferLength <= 512 * 1024);
    await until(() => {
      theirs.connection.resume();
      return received === sent;
    });
  });

  test('forged bytes abort the connection', async () => {
    const { theirs, raw } = await secure();
    const closed = new Promise<{ error?: Error }>((resolve) => {
      theirs.connection.addEventListener('close', resolve, { once: true });
    });
    raw[0].write(Buffer.concat([Buffer.from([0, 40]), systemRandom(40)]));
    assert.equal(((await closed).error as { code?: string } | undefined)?.code, 'RECORD_REFUSED');
    assert.ok(raw[1].destroyed);
  });

  test('a reset of the connection below, and a close without an end record, reset the stream', async () => {
    const first = await secure();
    const reset = new Promise((resolve) =>
      first.ours.connection.addEventListener('close', resolve, { once: true }),
    );
    first.raw[0].destroy(new Error('gone'));
    await reset;
    assert.ok(['reset', 'aborted'].includes(first.ours.connection.status));

    const second = await secure();
    const closed = new Promise((resolve) =>
      second.ours.connection.addEventListener('close', resolve, { once: true }),
    );
    second.raw[1].end();
    await closed;
    assert.equal(second.ours.connection.status, 'reset');

    const third = await secure();
    third.ours.connection.abort(new Error('mine'));
    assert.ok(third.raw[0].destroyed);
    assert.throws(() => third.ours.connection.send(Uint8Array.of(1)));
  });
});
