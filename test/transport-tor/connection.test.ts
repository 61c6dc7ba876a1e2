import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultLogger } from '@libp2p/logger';
import type { StreamMessageEvent } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { ByteChannel } from '../../src/net/byte-channel.ts';
import { OnionConnection } from '../../src/transport-tor/connection.ts';
import {
  CLOSE_LINGER_MS,
  SEND_HIGH_WATER_BYTES,
  SEND_LOW_WATER_BYTES,
} from '../../src/transport-tor/limits.ts';
import { ManualClock } from '../manual-clock.ts';

const KIB = 1024;

/** A channel whose every step the test decides. */
class ScriptedChannel implements ByteChannel {
  reads = 0;
  readonly written: Uint8Array[] = [];
  closed = false;
  aborted: Error | undefined;
  /** Held writes; resolved one by one by the test. */
  readonly writes: PromiseWithResolvers<void>[] = [];
  holdWrites = false;
  #pending: PromiseWithResolvers<Uint8Array | null> | undefined;

  read(): Promise<Uint8Array | null> {
    this.reads++;
    if (this.aborted !== undefined) return Promise.reject(this.aborted);
    this.#pending = Promise.withResolvers();
    return this.#pending.promise;
  }

  /** What the connection reads next. */
  async give(bytes: Uint8Array | null | Error): Promise<void> {
    assert.ok(this.#pending, 'nobody reads');
    const pending = this.#pending;
    this.#pending = undefined;
    if (bytes instanceof Error) pending.reject(bytes);
    else pending.resolve(bytes);
    await settled();
  }

  get wanted(): boolean {
    return this.#pending !== undefined;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.written.push(bytes.slice());
    if (!this.holdWrites) return Promise.resolve();
    const held = Promise.withResolvers<void>();
    this.writes.push(held);
    return held.promise;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  abort(reason: Error): void {
    if (this.aborted !== undefined) return;
    this.aborted = reason;
    this.#pending?.reject(reason);
    for (const write of this.writes) write.reject(reason);
  }

  get writtenBytes(): number {
    return this.written.reduce((sum, bytes) => sum + bytes.length, 0);
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function setUp() {
  const channel = new ScriptedChannel();
  const clock = new ManualClock();
  const connection = new OnionConnection({
    channel,
    clock,
    remoteAddr: multiaddr('/memory/onion-in-1'),
    direction: 'inbound',
    log: defaultLogger().forComponent('test'),
  });
  const events: string[] = [];
  for (const type of ['drain', 'end', 'remoteCloseWrite'] as const)
    connection.addEventListener(type, () => events.push(type));
  connection.addEventListener('close', (event) =>
    events.push(`close ${event.error?.name ?? 'clean'} ${event.local}`),
  );
  await settled();
  return { channel, clock, connection, events };
}

function onBytes(connection: OnionConnection, then: (bytes: Uint8Array) => void): void {
  connection.addEventListener('message', (event: StreamMessageEvent) => then(event.data.subarray()));
}

describe('OnionConnection, reading', () => {
  it('pulls nothing before somebody listens', async () => {
    const { channel, connection } = await setUp();
    assert.equal(channel.reads, 0);
    const received: Uint8Array[] = [];
    onBytes(connection, (bytes) => received.push(bytes));
    await settled();
    assert.equal(channel.reads, 1);
    await channel.give(Uint8Array.of(1, 2));
    assert.deepEqual(received, [Uint8Array.of(1, 2)]);
  });

  it('pulls nothing while paused, and no byte is lost or doubled', async () => {
    const { channel, connection } = await setUp();
    let received = 0;
    onBytes(connection, (bytes) => {
      received += bytes.length;
      connection.pause();
    });
    await settled();
    for (let i = 1; i <= 5; i++) {
      assert.equal(channel.wanted, true);
      await channel.give(new Uint8Array(64 * KIB));
      assert.equal(received, i * 64 * KIB);
      assert.equal(channel.wanted, false);
      assert.equal(connection.readBufferLength, 0);
      connection.resume();
      await settled();
    }
  });

  it('ends when the channel ends, and lets go of it', async () => {
    const { channel, connection, events } = await setUp();
    onBytes(connection, () => {});
    await settled();
    await channel.give(null);
    await connection.finished;
    assert.equal(connection.status, 'closed');
    assert.equal(channel.closed, true);
    assert.ok(events.some((event) => event.startsWith('close clean')));
  });

  it('is reset when the channel fails', async () => {
    const { channel, connection, events } = await setUp();
    onBytes(connection, () => {});
    await settled();
    await channel.give(new Error('circuit cut'));
    assert.equal(connection.status, 'reset');
    assert.ok(events.some((event) => event.startsWith('close StreamResetError')));
    assert.throws(() => connection.send(Uint8Array.of(1)));
  });
});

describe('OnionConnection, writing', () => {
  it('tells the muxer to wait at the high-water mark, and to go on below the low one', async () => {
    const { channel, connection, events } = await setUp();
    channel.holdWrites = true;
    let taken = 0;
    while (connection.send(new Uint8Array(32 * KIB))) taken += 32 * KIB;
    taken += 32 * KIB;
    // the first write is with the channel, the rest waits here
    assert.ok(taken <= SEND_HIGH_WATER_BYTES + 64 * KIB, String(taken));
    assert.deepEqual(events, []);
    assert.equal(connection.writableNeedsDrain, true);

    channel.writes[0]?.resolve();
    await settled();
    // everything that waited went out as one write; less than the low-water mark waits behind it
    assert.equal(channel.writtenBytes, taken);
    channel.writes[1]?.resolve();
    await settled();
    assert.deepEqual(events, ['drain']);
    assert.equal(connection.writableNeedsDrain, false);
    assert.ok(SEND_LOW_WATER_BYTES < SEND_HIGH_WATER_BYTES);
  });

  it('keeps the order of bytes over many sends', async () => {
    const { channel, connection } = await setUp();
    const sent: number[] = [];
    for (let i = 0; i < 2000; i++) {
      sent.push(i & 0xff);
      connection.send(Uint8Array.of(i & 0xff));
      if (i % 100 === 0) await settled();
    }
    await settled();
    assert.deepEqual(Buffer.concat(channel.written), Buffer.from(sent));
  });

  it('is reset when a write fails', async () => {
    const { channel, connection, events } = await setUp();
    channel.holdWrites = true;
    connection.send(Uint8Array.of(1));
    channel.writes[0]?.reject(new Error('gone'));
    await settled();
    assert.equal(connection.status, 'reset');
    assert.equal(channel.aborted?.message, 'gone');
    assert.ok(events.some((event) => event.startsWith('close StreamResetError')));
  });
});

describe('OnionConnection, closing', () => {
  it('flushes, ends the channel, then reads the other side to its end and throws that away', async () => {
    const { channel, clock, connection } = await setUp();
    const received: Uint8Array[] = [];
    onBytes(connection, (bytes) => received.push(bytes));
    channel.holdWrites = true;
    connection.send(Uint8Array.of(7));
    const closing = connection.close();
    await settled();
    assert.equal(channel.closed, false);
    channel.writes[0]?.resolve();
    await closing;
    assert.equal(channel.closed, true);
    assert.equal(connection.status, 'closed');
    await channel.give(Uint8Array.of(9));
    await channel.give(null);
    await connection.finished;
    assert.deepEqual(received, []);
    assert.equal(channel.aborted, undefined);
    assert.equal(clock.sleeping, 0);
  });

  it('does not wait for ever for a peer that does not close', async () => {
    const { channel, clock, connection } = await setUp();
    await connection.close();
    assert.equal(channel.aborted, undefined);
    await clock.advance(CLOSE_LINGER_MS);
    await connection.finished;
    assert.match(String(channel.aborted), /did not close/);
  });

  it('gives up a close when its signal is aborted', async () => {
    const { channel, connection } = await setUp();
    channel.holdWrites = true;
    connection.send(Uint8Array.of(1));
    const closing = connection.close({ signal: AbortSignal.timeout(10) });
    await assert.rejects(closing);
    await connection.finished;
    assert.ok(channel.aborted);
  });

  it('drops everything on abort', async () => {
    const { channel, connection, events } = await setUp();
    onBytes(connection, () => {});
    await settled();
    connection.abort(new Error('enough'));
    await connection.finished;
    assert.equal(channel.aborted?.message, 'enough');
    assert.equal(connection.status, 'aborted');
    assert.equal(events.filter((event) => event.startsWith('close')).length, 1);
    connection.abort(new Error('again'));
    await connection.close();
    assert.equal(channel.aborted?.message, 'enough');
  });

  it('wakes a paused or unheard reader to end', async () => {
    for (const act of ['close', 'abort'] as const) {
      const { channel, connection } = await setUp();
      if (act === 'close') {
        connection.pause();
        await connection.close();
        await settled();
        await channel.give(null);
      } else connection.abort(new Error('enough'));
      await connection.finished;
    }
  });
});
