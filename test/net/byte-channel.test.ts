import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex, duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import { socketChannel } from '../../src/net/byte-channel.ts';
import { readAll, socketPair } from './links.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('socketChannel', () => {
  test('carries bytes both ways and ends each direction by itself', async () => {
    const [left, right] = duplexPair();
    const [a, b] = [socketChannel(left), socketChannel(right)];
    await a.write(bytes(1, 2));
    const [, atB] = await Promise.all([a.close(), readAll(b)]);
    assert.deepEqual(atB, bytes(1, 2));
    await b.write(bytes(3));
    const [, atA] = await Promise.all([b.close(), readAll(a)]);
    assert.deepEqual(atA, bytes(3));
    assert.equal(await a.read(), null, 'the end stays the end');
    await assert.rejects(a.write(bytes(4)), { code: 'CLOSED' });
  });

  test('takes nothing from the socket before somebody reads', async (t) => {
    const [ours, theirs] = await socketPair(t);
    const channel = socketChannel(theirs);
    ours.write(Buffer.alloc(100));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(theirs.readableLength, 0);
    assert.equal((await channel.read())?.length, 100);
  });

  test('a writer waits for a reader who does not read, and memory stays bounded', async (t) => {
    const [ours, theirs] = await socketPair(t);
    const [writer, reader] = [socketChannel(ours), socketChannel(theirs)];
    const chunk = Buffer.alloc(64 * 1024, 7);
    let written = 0;
    const stop = new AbortController();
    const writing = (async () => {
      for (;;) {
        await writer.write(chunk, stop.signal);
        written += chunk.length;
      }
    })();
    await reader.read();
    let before = -1;
    while (before !== written) {
      before = written;
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(written < 2_000_000, `${written} bytes were taken`);
    assert.ok(theirs.readableLength <= 128 * 1024, `${theirs.readableLength} bytes are held`);
    stop.abort(new Error('enough'));
    await assert.rejects(writing, /enough/);
  });

  test('all writes of one turn leave together', async () => {
    let calls = 0;
    const socket = new Duplex({
      read: () => undefined,
      writev: (_chunks, done) => {
        calls++;
        done();
      },
    });
    const channel = socketChannel(socket);
    await Promise.resolve();
    await channel.write(bytes(1));
    await channel.write(bytes(2));
    await channel.write(bytes(3));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, 1);
  });

  test('an aborted read loses no bytes and keeps no listener', async () => {
    const [a, b] = duplexPair();
    const [ours, theirs] = [socketChannel(a), socketChannel(b)];
    for (let i = 0; i < 20; i++) {
      const stop = new AbortController();
      const reading = theirs.read(stop.signal);
      stop.abort(new Error('not now'));
      await assert.rejects(reading, /not now/);
    }
    await assert.rejects(theirs.read(AbortSignal.abort(new Error('never'))), /never/);
    await ours.write(bytes(9));
    assert.deepEqual(Uint8Array.from((await theirs.read()) ?? []), bytes(9));
    assert.equal(b.listenerCount('readable'), 1);
    assert.equal(b.listenerCount('error'), 1);
  });

  test('only one read at a time', async () => {
    const [a, b] = duplexPair();
    const channel = socketChannel(b);
    const first = channel.read();
    await assert.rejects(channel.read(), RangeError);
    a.end();
    assert.equal(await first, null);
  });

  test('abort ends pending and later reads and writes with its reason', async (t) => {
    const [ours] = await socketPair(t);
    const channel = socketChannel(ours);
    const reading = channel.read();
    const writing = channel.write(Buffer.alloc(8 * 1024 * 1024));
    channel.abort(new Error('because'));
    await assert.rejects(reading, /because/);
    await assert.rejects(writing, /because/);
    await assert.rejects(channel.read(), /because/);
    await assert.rejects(channel.write(bytes(1)), /because/);
    await assert.rejects(channel.close(), /because/);
    assert.ok(ours.destroyed);
  });

  test('a socket that fails or vanishes is a typed error, and nothing is thrown out of events', async (t) => {
    const [ours, theirs] = await socketPair(t);
    const channel = socketChannel(ours);
    theirs.destroy();
    assert.equal(await channel.read(), null, 'a plain end of a socket is an end at this level');
    await once(ours, 'close');
    await assert.rejects(channel.write(bytes(1)), { code: 'CLOSED' });

    const [a, b] = duplexPair();
    const broken = socketChannel(a);
    const reading = broken.read();
    a.destroy(new Error('ECONNRESET'));
    await assert.rejects(reading, { code: 'CLOSED' });
    await assert.rejects(broken.write(bytes(1)), { code: 'CLOSED' });
    b.destroy();
  });
});
