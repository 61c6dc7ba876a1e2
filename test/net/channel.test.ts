import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { Acceptor } from '../../src/net/acceptor.ts';
import { socketChannel } from '../../src/net/byte-channel.ts';
import { Channels, type DialOptions, type OpenStream } from '../../src/net/channel.ts';
import { ChannelError } from '../../src/net/errors.ts';
import { DIAL_HANDSHAKE_TIMEOUT_MS } from '../../src/net/limits.ts';
import { equal, utf8 } from '../../src/safety/bytes.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';
import { alice, bob, memoryPair, readAll } from './links.ts';

const onion = onionOf(bob.publicKey);
const options: DialOptions = { as: alice, protocol: '/kith/echo', purpose: 'test', isolation: 'i' };

/** An acceptor that echoes, and the stream opener that leads to it. */
function echo(limits = {}): { acceptor: Acceptor; open: OpenStream; sockets: Duplex[] } {
  const acceptor = new Acceptor({ identity: bob, limits });
  acceptor.handle('/kith/echo', async (channel) => {
    for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
      await channel.write(bytes);
  });
  const sockets: Duplex[] = [];
  const open: OpenStream = async (_onion, { early }) => {
    const [ours, theirs] = memoryPair();
    sockets.push(ours);
    acceptor.accept(theirs);
    const lower = socketChannel(ours);
    await lower.write(early);
    return lower;
  };
  return { acceptor, open, sockets };
}

/** An opener whose far end is in the hands of the test. */
function toSilence(): { open: OpenStream; far: Promise<Duplex>; near: Promise<Duplex> } {
  const far = Promise.withResolvers<Duplex>();
  const near = Promise.withResolvers<Duplex>();
  const open: OpenStream = async (_onion, { early }) => {
    const [ours, theirs] = memoryPair();
    const lower = socketChannel(ours);
    await lower.write(early);
    near.resolve(ours);
    far.resolve(theirs);
    return lower;
  };
  return { open, far: far.promise, near: near.promise };
}

describe('Channels.dial', () => {
  test('opens an authenticated stream to the holder of the onion key', async () => {
    const { acceptor, open } = echo();
    const channel = await new Channels({ open }).dial(onion, options);
    assert.ok(equal(channel.remoteKey, bob.publicKey));
    assert.equal(channel.protocol, '/kith/echo');
    await channel.write(utf8('hello'));
    const [, reply] = await Promise.all([channel.close(), readAll(channel)]);
    assert.ok(equal(reply, utf8('hello')));
    await acceptor.close();
  });

  test('hands on purpose, isolation, urgency and message 1 as early data', async () => {
    let seen: Parameters<OpenStream>[1] | undefined;
    const open: OpenStream = (_onion, given) => {
      seen = given;
      return Promise.reject(new Error('no further'));
    };
    const signal = new AbortController().signal;
    const dial = new Channels({ open }).dial(onion, { ...options, urgent: true, signal });
    await assert.rejects(dial, /no further/);
    assert.equal(seen?.early.length, 2 + 1216);
    assert.deepEqual(
      [seen?.purpose, seen?.isolation, seen?.urgent, seen?.signal],
      ['test', 'i', true, signal],
    );
  });

  test('sends message 3 and the first data in one write, one round trip after message 1', async () => {
    const { acceptor, open, sockets } = echo();
    const channel = await new Channels({ open }).dial(onion, options);
    const [socket] = sockets;
    assert.ok(socket !== undefined);
    assert.ok(socket.writableCorked > 0, 'message 3 still waits for what the caller writes now');
    await channel.write(utf8('first'));
    assert.ok(socket.writableCorked > 0);
    assert.ok(equal((await channel.read()) ?? new Uint8Array(0), utf8('first')));
    assert.equal(socket.writableCorked, 0);
    channel.abort(new ChannelError('CLOSED'));
    await acceptor.close();
  });

  test('refuses another key, and lets go of the connection', async () => {
    const { acceptor, open, sockets } = echo();
    const dial = new Channels({ open }).dial(onionOf(alice.publicKey), options);
    await assert.rejects(dial, { code: 'WRONG_KEY' });
    assert.ok(sockets[0]?.destroyed);
    assert.equal(acceptor.stats().open, 0);
    await acceptor.close();
  });

  test('takes another expected key, or any where the caller says so', async () => {
    const { acceptor, open } = echo();
    const channels = new Channels({ open });
    for (const expectedKey of [bob.publicKey, null]) {
      const channel = await channels.dial(onionOf(alice.publicKey), { ...options, expectedKey });
      assert.ok(equal(channel.remoteKey, bob.publicKey));
      channel.abort(new ChannelError('CLOSED'));
    }
    await acceptor.close();
  });

  test('an unknown protocol shows at the first read', async () => {
    const { acceptor, open } = echo();
    const channel = await new Channels({ open }).dial(onion, { ...options, protocol: '/kith/other' });
    await assert.rejects(channel.read(), { code: 'PROTOCOL_UNKNOWN' });
    await acceptor.close();
  });

  test('too many channels of one key are told so', async () => {
    const { acceptor, open } = echo({ openPerKey: 2 });
    const channels = new Channels({ open });
    const first = [await channels.dial(onion, options), await channels.dial(onion, options)];
    await assert.rejects((await channels.dial(onion, options)).read(), { code: 'BUSY' });
    for (const channel of first) {
      await channel.write(utf8('x'));
      assert.ok(equal((await channel.read()) ?? new Uint8Array(0), utf8('x')));
    }
    await acceptor.close();
  });

  test('a peer that says nothing is given up at the deadline', async () => {
    const clock = new ManualClock();
    const { open, far, near } = toSilence();
    const dial = new Channels({ open, clock }).dial(onion, options);
    const refusal = assert.rejects(dial, { code: 'TIMEOUT' });
    await far;
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(DIAL_HANDSHAKE_TIMEOUT_MS - 1);
    assert.equal((await near).destroyed, false);
    await clock.advance(1);
    await refusal;
    assert.ok((await near).destroyed);
    assert.equal(clock.sleeping, 0);
  });

  test('an abort during the handshake rejects with its reason and closes the connection', async () => {
    const { open, near } = toSilence();
    const stop = new AbortController();
    const dial = new Channels({ open }).dial(onion, { ...options, signal: stop.signal });
    const refusal = assert.rejects(dial, /changed my mind/);
    const socket = await near;
    stop.abort(new Error('changed my mind'));
    await refusal;
    assert.ok(socket.destroyed);
    await assert.rejects(
      new Channels({ open }).dial(onion, { ...options, signal: stop.signal }),
      /changed my mind/,
    );
  });

  test('an abort between open and handshake closes the connection too', async () => {
    const stop = new AbortController();
    const [ours] = memoryPair();
    const open: OpenStream = () => {
      stop.abort(new Error('too late'));
      return Promise.resolve(socketChannel(ours));
    };
    await assert.rejects(new Channels({ open }).dial(onion, { ...options, signal: stop.signal }), /too late/);
    assert.ok(ours.destroyed);
  });

  for (const [what, act] of [
    ['hangs up', (far: Duplex) => far.end()],
    ['sends garbage', (far: Duplex) => far.write(Buffer.alloc(3000, 7))],
    ['sends a message 2 of the wrong length', (far: Duplex) => far.write(Buffer.from([0, 200]))],
    [
      'sends a false message 2',
      (far: Duplex) => far.write(Buffer.concat([Buffer.from([5, 17]), Buffer.alloc(1297, 9)])),
    ],
  ] as const) {
    test(`a peer that ${what} is HANDSHAKE_FAILED with its cause`, async () => {
      const { open, far, near } = toSilence();
      const dial = new Channels({ open }).dial(onion, options);
      const refusal = assert.rejects(dial, (error: ChannelError) => {
        return error.code === 'HANDSHAKE_FAILED' && (what === 'hangs up' || error.cause instanceof Error);
      });
      const peer = await far;
      peer.resume();
      act(peer);
      await refusal;
      assert.ok((await near).destroyed);
    });
  }

  test('refuses names that cannot travel, before anything is opened', async () => {
    const { open } = toSilence();
    for (const protocol of ['', 'a b', 'ü', 'x'.repeat(256)]) {
      await assert.rejects(new Channels({ open }).dial(onion, { ...options, protocol }), RangeError);
    }
  });
});
