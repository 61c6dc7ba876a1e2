import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { socketChannel } from '../../src/net/byte-channel.ts';
import { DialHandshake } from '../../src/net/handshake.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { edge, message1, nextTurn, until } from './edge.ts';
import { handshakeInit, readAll } from './links.ts';

describe('Acceptor', () => {
  test('hands a channel to the handler of its protocol and ends it when the handler is done', async () => {
    const { acceptor, dial } = edge();
    acceptor.handle('/kith/once', async (channel) => {
      await channel.write(utf8(`for ${channel.protocol}`));
    });
    const channel = await dial('/kith/once');
    const text = await readAll(channel);
    assert.equal(Buffer.from(text).toString(), 'for /kith/once');
    await channel.close();
    await until(() => acceptor.stats().open === 0);
    assert.deepEqual(acceptor.stats(), { pending: 0, refused: 0, open: 0 });
    await acceptor.close();
  });

  test('a handler that throws costs its channel and nothing else', async () => {
    const { acceptor, dial } = edge();
    acceptor.handle('/kith/bad', () => Promise.reject(new Error('defect')));
    await assert.rejects((await dial('/kith/bad')).read(), { code: 'TRUNCATED' });
    const channel = await dial();
    await channel.write(utf8('x'));
    assert.equal((await channel.read())?.length, 1);
    await acceptor.close();
  });

  test('serves a protocol once, under a name that can travel, until it is told not to', async () => {
    const { acceptor, dial } = edge();
    const handler = (): Promise<void> => Promise.resolve();
    assert.throws(() => acceptor.handle('/kith/echo', handler), RangeError);
    assert.throws(() => acceptor.handle('not a name', handler), RangeError);
    acceptor.unhandle('/kith/echo');
    await assert.rejects((await dial()).read(), { code: 'PROTOCOL_UNKNOWN' });
    await acceptor.close();
  });

  test('drops who does not complete message 1 in time, after holding it a while', async () => {
    const { acceptor, clock, connect } = edge();
    const [, idle] = connect();
    const [slowEnd, slow] = connect();
    for (let i = 0; i < 10; i++) {
      slowEnd.write(message1().subarray(i, i + 1));
      await clock.advance(90);
    }
    assert.equal(acceptor.stats().pending, 2);
    await clock.advance(300);
    assert.deepEqual(acceptor.stats(), { pending: 0, refused: 2, open: 0 });
    assert.deepEqual([idle.destroyed, slow.destroyed], [false, false]);
    await clock.advance(700);
    assert.deepEqual([idle.destroyed, slow.destroyed], [true, true]);
    assert.equal(clock.sleeping, 0, 'the timer stops when nobody is left');
    await acceptor.close();
  });

  test('drops who does not complete message 3 in time', async () => {
    const { acceptor, clock, connect } = edge();
    const [ours, theirs] = connect();
    ours.write(message1());
    await once(ours, 'readable');
    await clock.advance(1900);
    assert.equal(acceptor.stats().pending, 1);
    await clock.advance(300);
    assert.deepEqual(acceptor.stats(), { pending: 0, refused: 1, open: 0 });
    await clock.advance(700);
    assert.ok(theirs.destroyed);
    await acceptor.close();
  });

  test('refuses garbage at its first two bytes and reads no more of it', async () => {
    const { acceptor, clock, connect } = edge();
    const [ours, theirs] = connect();
    ours.write(Buffer.from([0xff, 0xff]));
    await until(() => acceptor.stats().refused === 1);
    let taken = 0;
    while (taken < 1000 && ours.write(Buffer.alloc(16_384))) taken++;
    for (let i = 0; i < 20; i++) await nextTurn();
    assert.ok(taken < 100, `${taken} chunks were taken`);
    assert.ok(theirs.readableLength <= 64 * 1024);
    await clock.advance(1000);
    assert.ok(theirs.destroyed);
    await acceptor.close();
  });

  test('refuses a false message 3', async () => {
    const { acceptor, connect } = edge();
    const [ours] = connect();
    ours.write(message1());
    await once(ours, 'readable');
    ours.write(Buffer.concat([Buffer.from([0, 200]), Buffer.alloc(200, 3)]));
    await until(() => acceptor.stats().refused === 1);
    assert.equal(acceptor.stats().open, 0);
    await acceptor.close();
  });

  test('a name that is missing is refused', async () => {
    const { acceptor, connect } = edge();
    const [ours] = connect();
    const dialer = new DialHandshake(handshakeInit());
    ours.write(dialer.frame1);
    const message2 = (await socketChannel(ours).read()) as Uint8Array;
    const { frame3 } = await dialer.complete(message2.subarray(2), 0, () => []);
    ours.write(frame3);
    await until(() => acceptor.stats().refused === 1);
    await acceptor.close();
  });

  test('close drops everything, waits for handlers, and takes nothing more', async () => {
    const { acceptor, clock, connect, dial } = edge();
    const ends = [connect(), connect()];
    ends[1]?.[0].write(message1());
    const held = connect();
    held[0].write(Buffer.from([9, 9]));
    const channel = await dial();
    await until(() => acceptor.stats().refused === 1);
    await acceptor.close();
    await assert.rejects(channel.read(), { code: 'TRUNCATED' });
    for (const [, theirs] of [...ends, held]) assert.ok(theirs.destroyed);
    const [, late] = connect();
    assert.ok(late.destroyed);
    await until(() => clock.sleeping === 0);
    await acceptor.close();
  });

  test('a peer that vanishes at any moment leaves nothing behind', async () => {
    const { acceptor, clock, connect, dial } = edge();
    for (const bytes of [0, 1, 600, 1218]) {
      const [ours] = connect();
      if (bytes > 0) ours.write(message1().subarray(0, bytes));
      await nextTurn();
      ours.destroy();
    }
    (await dial()).abort(new Error('gone'));
    await until(() => acceptor.stats().pending === 0 && acceptor.stats().open === 0);
    await clock.advance(3000);
    assert.equal(clock.sleeping, 0);
    await acceptor.close();
  });
});
