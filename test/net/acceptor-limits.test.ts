import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { DRAIN_TIMEOUT_MS } from '../../src/net/limits.ts';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import { edge, message1, until } from './edge.ts';

describe('limits of the Acceptor', () => {
  test('at the cap the one with least progress goes, the oldest first, and the honest are served', async () => {
    const { acceptor, connect, dial, clock } = edge({ pending: 4, tarpit: 2 });
    const [first, second] = [connect()[1], connect()[1]];
    const half = connect();
    half[0].write(message1());
    await once(half[0], 'readable');
    connect();
    assert.equal(acceptor.stats().pending, 4);
    const channel = await dial();
    await channel.write(utf8('x'));
    assert.equal((await channel.read())?.length, 1);
    await until(() => acceptor.stats().refused === 1);
    connect();
    connect();
    await until(() => acceptor.stats().refused === 2);
    assert.equal(acceptor.stats().pending, 4, 'who completed message 1 stayed');
    assert.deepEqual([first.destroyed, second.destroyed], [false, false], 'held, not closed');
    connect();
    await until(() => acceptor.stats().refused === 3);
    assert.ok(first.destroyed, 'the tarpit has a cap too');
    await clock.advance(2000);
    await acceptor.close();
  });

  test('who sends on behind message 1 without waiting for the answer gets none', async () => {
    const { acceptor, connect } = edge();
    const [pushing] = connect();
    pushing.write(concat(message1(), Uint8Array.of(0)));
    await until(() => acceptor.stats().refused === 1);
    assert.equal(pushing.read(), null);
    const [waiting] = connect();
    waiting.write(message1());
    await once(waiting, 'readable');
    assert.deepEqual(acceptor.stats(), { pending: 1, refused: 1, open: 0 });
    await acceptor.close();
  });

  test('when all but the newcomer are answered, the oldest of them goes', async () => {
    const { acceptor, connect } = edge({ pending: 2 });
    for (let i = 0; i < 3; i++) {
      const [ours] = connect();
      ours.write(message1());
      await once(ours, 'readable');
    }
    assert.deepEqual(acceptor.stats(), { pending: 2, refused: 1, open: 0 });
    await acceptor.close();
  });

  test('a flood that is all being answered keeps the newcomer out', async () => {
    const { acceptor, connect } = edge({ pending: 2 });
    const ends = Array.from({ length: 4 }, connect);
    for (const [ours] of ends) ours.write(message1());
    await until(() => acceptor.stats().refused >= 2);
    assert.ok(acceptor.stats().pending <= 2);
    await acceptor.close();
  });

  test('the number of open channels is bounded, and refusals too', async () => {
    const { acceptor, dial } = edge({ open: 1, refusing: 1 });
    const open = await dial();
    const busy = await dial();
    await assert.rejects(busy.read(), { code: 'BUSY' });
    await open.write(utf8('x'));
    assert.equal((await open.read())?.length, 1);
    assert.equal(acceptor.stats().open, 1);
    await acceptor.close();
  });

  test('a peer that does not end after the handler is done is read for a while, then dropped', async () => {
    const { acceptor, clock, dial, accepted } = edge();
    acceptor.handle('/kith/done', () => Promise.resolve());
    const quiet = await dial('/kith/done');
    assert.equal(await quiet.read(), null);
    await clock.advance(DRAIN_TIMEOUT_MS - 1);
    assert.equal(accepted[0]?.destroyed, false);
    await clock.advance(1);
    assert.equal(accepted[0]?.destroyed, true);

    const loud = await dial('/kith/done');
    // ends when it is dropped, or hangs: the other end of a pair in memory does not notice
    void (async () => {
      for (;;) await loud.write(new Uint8Array(60_000));
    })().catch(() => undefined);
    await until(() => accepted[1]?.destroyed === true);
    await acceptor.close();
    assert.equal(clock.sleeping, 0);
  });
});
