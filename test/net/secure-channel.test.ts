import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ChannelError } from '../../src/net/errors.ts';
import { RELEASE_TIMEOUT_MS } from '../../src/net/limits.ts';
import { equal, toHex, utf8 } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { ManualClock } from '../manual-clock.ts';
import { alice, bob, channelPair, readAll, socketPair } from './links.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('secure channel', () => {
  test('carries a large message both ways, and says who is there', async () => {
    const { ours, theirs } = await channelPair();
    const data = systemRandom(300_000);
    const sending = ours.write(data).then(() => ours.close());
    assert.ok(equal(await readAll(theirs), data));
    await sending;
    await theirs.write(utf8('got it'));
    const [reply] = await Promise.all([readAll(ours), theirs.close()]);
    assert.ok(equal(reply, utf8('got it')));
    assert.ok(equal(ours.remoteKey, bob.publicKey) && equal(theirs.remoteKey, alice.publicKey));
    assert.equal(toHex(ours.handshakeHash), toHex(theirs.handshakeHash));
  });

  test('survives any chunking of the stream below', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { maxLength: 6 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
        async (writes, sizes) => {
          const [a, aBelow] = duplexPair();
          const [bBelow, b] = duplexPair();
          void rechunk(aBelow, bBelow, sizes);
          const { ours, theirs } = await channelPair({ ends: [a, b] });
          const reading = readAll(theirs);
          for (const bytes of writes) await ours.write(bytes);
          await ours.close();
          assert.ok(equal(await reading, Uint8Array.from(Buffer.concat(writes))));
          a.destroy();
          b.destroy();
        },
      ),
      { numRuns: 25 },
    );
  });

  test('a lost connection is TRUNCATED wherever it is cut, and never an end', async () => {
    const { ours, ends } = await channelPair();
    const sent: Buffer[] = [];
    ends[1].on('data', (chunk: Buffer) => sent.push(chunk));
    await ours.write(utf8('abc'));
    await ours.close();
    await nextTurn();
    const whole = Buffer.concat(sent);
    assert.equal(whole.length, 2 + 20 + 2 + 18);
    for (const at of [0, 1, 2, 10, 22, 23, whole.length - 1]) {
      const { theirs, ours: writer, ends: pipe } = await channelPair({ ends: cutPair(at) });
      const reading = readAll(theirs);
      await writer.write(utf8('abc'));
      await writer.close().catch(() => undefined);
      await assert.rejects(reading, { code: 'TRUNCATED' }, `cut at ${at}`);
      await assert.rejects(theirs.read(), { code: 'TRUNCATED' }, 'and stays so');
      for (const end of pipe) end.destroy();
    }
  });

  test('a connection that breaks is TRUNCATED with the cause', async (t) => {
    const { ours, ends } = await channelPair({ ends: await socketPair(t) });
    const reading = ours.read();
    ends[0].destroy(new Error('reset'));
    await assert.rejects(reading, (error: ChannelError) => {
      return error.code === 'TRUNCATED' && (error.cause as ChannelError).code === 'CLOSED';
    });
  });

  test('forged bytes end the connection', async () => {
    const { theirs, ends } = await channelPair();
    ends[0].write(Buffer.concat([Buffer.from([0, 30]), systemRandom(30)]));
    await assert.rejects(theirs.read(), { code: 'RECORD_REFUSED' });
    assert.ok(ends[1].destroyed);
    await assert.rejects(theirs.write(utf8('x')), { code: 'RECORD_REFUSED' });
  });

  test('a length that no record has is refused at its two bytes', async () => {
    const { theirs, ends } = await channelPair();
    ends[0].write(Buffer.from([0, 16]));
    await assert.rejects(theirs.read(), { code: 'RECORD_REFUSED' });
  });

  test('the connection is let go when both directions have ended, whoever comes first', async (t) => {
    for (const order of ['ours first', 'theirs first', 'together']) {
      const ends = await socketPair(t);
      const { ours, theirs } = await channelPair({ ends });
      const closed = Promise.all(ends.map((end) => once(end, 'close')));
      if (order === 'ours first') {
        await ours.close();
        assert.equal(await theirs.read(), null);
        await theirs.close();
        assert.equal(await ours.read(), null);
      } else if (order === 'theirs first') {
        await theirs.close();
        assert.equal(await ours.read(), null);
        await ours.close();
        assert.equal(await theirs.read(), null);
      } else {
        await Promise.all([ours.close(), theirs.close()]);
        assert.deepEqual(await Promise.all([ours.read(), theirs.read()]), [null, null]);
      }
      await closed;
      assert.equal(await ours.read(), null, order);
      await assert.rejects(ours.write(utf8('late')), { code: 'CLOSED' });
    }
  });

  test('after our end the other side goes on', async () => {
    const { ours, theirs } = await channelPair();
    await ours.close();
    await ours.close();
    assert.equal(await theirs.read(), null);
    for (let i = 0; i < 5; i++) {
      await theirs.write(Uint8Array.of(i));
      assert.deepEqual(Uint8Array.from((await ours.read()) ?? []), Uint8Array.of(i));
    }
    await assert.rejects(ours.write(utf8('x')), { code: 'CLOSED' });
  });

  test('a refusal of the peer is thrown by read', async () => {
    const { ours, theirs } = await channelPair();
    await theirs.end('protocol-unknown');
    await assert.rejects(ours.read(), { code: 'PROTOCOL_UNKNOWN' });
    await assert.rejects(ours.write(utf8('x')), { code: 'PROTOCOL_UNKNOWN' });
  });

  test('abort ends everything with its reason', async () => {
    const { ours, theirs } = await channelPair();
    const reading = ours.read();
    ours.abort(new Error('because'));
    await assert.rejects(reading, /because/);
    await assert.rejects(ours.write(utf8('x')), /because/);
    await assert.rejects(ours.close(), /because/);
    await assert.rejects(theirs.read(), { code: 'TRUNCATED' });
  });

  test('an aborted read or write leaves the channel whole', async () => {
    const { ours, theirs } = await channelPair();
    const stop = new AbortController();
    const reading = theirs.read(stop.signal);
    stop.abort(new Error('not now'));
    await assert.rejects(reading, /not now/);
    await assert.rejects(ours.write(utf8('x'), stop.signal), /not now/);
    await ours.write(utf8('later'));
    assert.ok(equal((await theirs.read()) ?? new Uint8Array(0), utf8('later')));
  });

  test('concurrent writes leave whole and in order', async () => {
    const { ours, theirs } = await channelPair();
    const writes = Array.from({ length: 20 }, (_, i) => new Uint8Array(70_000).fill(i));
    const sending = Promise.all([...writes.map((bytes) => ours.write(bytes)), ours.close()]);
    assert.ok(equal(await readAll(theirs), Uint8Array.from(Buffer.concat(writes))));
    await sending;
  });

  test('a slow reader holds the writer back', { timeout: 60_000 }, async (t) => {
    const ends = await socketPair(t);
    const { ours, theirs } = await channelPair({ ends });
    const stop = new AbortController();
    let written = 0;
    const writing = (async () => {
      for (;;) {
        await ours.write(new Uint8Array(50_000), stop.signal);
        written += 50_000;
      }
    })();
    await theirs.read();
    for (let before = -1; before !== written; ) {
      before = written;
      for (let i = 0; i < 50; i++) await nextTurn();
    }
    assert.ok(written < 2_000_000, `${written} bytes were taken`);
    assert.ok(ends[0].writableLength + ends[1].readableLength < 300_000);
    stop.abort(new Error('enough'));
    await assert.rejects(writing, /enough/);

    // one more that is given up while the socket is full: a record sent in part would show below
    const soon = new AbortController();
    const second = ours.write(new Uint8Array(50_000), soon.signal);
    await nextTurn();
    soon.abort(new Error('enough again'));
    await assert.rejects(second, /enough again/);
    const reading = readAll(theirs);
    await ours.write(utf8('one more'));
    await ours.close();
    const rest = await reading;
    assert.equal(Buffer.from(rest.subarray(-8)).toString(), 'one more');
  });

  test('a second read at once is refused and harms nothing', async () => {
    const { ours, theirs } = await channelPair();
    const first = theirs.read();
    await assert.rejects(theirs.read(), RangeError);
    await ours.write(utf8('for the first'));
    assert.ok(equal((await first) ?? new Uint8Array(0), utf8('for the first')));
    await ours.write(utf8('for the next'));
    assert.ok(equal((await theirs.read()) ?? new Uint8Array(0), utf8('for the next')));
  });

  test('a write in line is given up before its turn, and is not sent', { timeout: 30_000 }, async (t) => {
    const { ours, theirs } = await channelPair({ ends: await socketPair(t) });
    const blocking = ours.write(new Uint8Array(5_000_000).fill(1));
    const stop = new AbortController();
    const given = ours.write(new Uint8Array(70_000).fill(2), stop.signal);
    const behind = ours.write(Uint8Array.of(3));
    stop.abort(new Error('not now'));
    // nobody reads yet, so its turn cannot have come
    await assert.rejects(given, /not now/);
    await assert.rejects(ours.write(Uint8Array.of(4), stop.signal), /not now/);
    const reading = readAll(theirs);
    await Promise.all([blocking, behind, ours.close()]);
    const bytes = await reading;
    assert.equal(bytes.length, 5_000_001);
    assert.deepEqual([bytes.at(-2), bytes.at(-1)], [1, 3]);
  });

  test('goes on through rekeys by count and by the clock', async () => {
    const clock = new ManualClock();
    const rekey = { records: 3, bytes: 1e9, intervalMs: 1000 };
    const { ours, theirs } = await channelPair({ clock, rekey });
    for (let i = 0; i < 30; i++) {
      await ours.write(utf8(`message ${i}`));
      assert.ok(equal((await theirs.read()) ?? new Uint8Array(0), utf8(`message ${i}`)));
      if (i % 4 === 0) await clock.advance(1500);
    }
  });

  test('a flush that hangs at the end is given up after a deadline', async () => {
    const clock = new ManualClock();
    const [a, b] = duplexPair();
    const { ours, theirs } = await channelPair({ clock, ends: [a, b] });
    await theirs.close();
    assert.equal(await ours.read(), null);
    Object.assign(a, { _final: () => undefined });
    const closing = ours.close();
    await nextTurn();
    assert.equal(a.destroyed, false);
    await clock.advance(RELEASE_TIMEOUT_MS);
    assert.ok(a.destroyed);
    await closing;
    assert.equal(clock.sleeping, 0);
  });
});

/** Moves bytes from one stream to another in pieces of the given sizes. */
async function rechunk(from: Duplex, to: Duplex, sizes: Iterator<number>): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const size = sizes.next().value as number;
      to.write(chunk.subarray(at, at + size));
      at += size;
      await nextTurn();
    }
  }
}

/** A pair whose second end sees `count` bytes of the first and then the end of the stream. */
function cutPair(count: number): readonly [Duplex, Duplex] {
  const [a, aBelow] = duplexPair();
  const [bBelow, b] = duplexPair();
  let left = count;
  const forward = (chunk: Buffer): void => {
    if (left > 0) bBelow.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) bBelow.end();
  };
  aBelow.on('data', forward);
  return [a, b];
}
