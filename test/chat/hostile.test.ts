/** What a friend who means ill, or a thief of our prekeys who speaks in a friend's name, cannot do to a conversation. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_CLOCK_AHEAD_MS, MAX_OPEN_PLACES, RESTORED_EVERY_MS } from '../../src/chat/limits.ts';
import { copyOf } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import {
  type ChatBody,
  type ChatContent,
  decodeChatContent,
  encodeChatContent,
  linkHash,
} from '../../src/wire/chat-content.ts';
import { type ChatNotice, encodeChatNotice } from '../../src/wire/chat-notice.ts';
import { ALICE, BOB, pair, receive, settle, type Side } from './pair.ts';

const CAROL = new Uint8Array(48).fill(0xca);

/** A content that somebody makes up. */
function made(body: ChatBody, head: Partial<ChatContent> = {}): Uint8Array {
  return encodeChatContent({
    id: systemRandom(16),
    chain: systemRandom(8),
    number: 0,
    prev: new Uint8Array(32),
    time: 1,
    lifetimeS: 0,
    tag: systemRandom(16),
    ...head,
    ...body,
  });
}

function text(words: string): ChatBody {
  return { kind: 'text', reply: null, text: words };
}

/** What `side` has for Bob, as it is to be sent. */
function waiting(side: Side): Uint8Array[] {
  return side.outbox.rows(BOB).map(({ value }) => copyOf(value, 1));
}

/** Everything about a history that another side could change. */
function picture(side: Side): unknown {
  return [
    side.texts(BOB),
    side.history(BOB).map(({ state, reactions }) => [state, reactions]),
    side.chat.timer(BOB),
  ];
}

describe('an echo after a restore', () => {
  const echo = (to: Side, content: Uint8Array, from = BOB) =>
    receive(to, from, encodeChatNotice({ kind: 'echo', read: true, content }));

  test('that the friend has made up or changed is not taken: no text, no edit, no deletion, no timer', () => {
    const { alice, bob } = pair();
    alice.chat.send(BOB, { text: 'I owe you nothing' });
    const [bytes] = waiting(alice) as [Uint8Array];
    const { chain, id, tag } = decodeChatContent(bytes);
    settle(alice, bob);
    const backup = alice.backup();
    alice.chat.send(BOB, { text: 'genuine' });
    const [genuine] = waiting(alice) as [Uint8Array];
    const again = alice.restored(backup);
    const before = picture(again);
    const next = { chain, number: 1, prev: linkHash(nodeProvider, bytes), tag };
    for (const head of [next, { ...next, number: 7 }, { tag }, {}]) {
      for (const body of [
        text('I owe you 1000'),
        { kind: 'edit', target: id, text: 'I owe you 1000' },
        { kind: 'delete', target: id },
        { kind: 'timer', seconds: 1 },
        { kind: 'gone', hash: systemRandom(32) },
      ] satisfies ChatBody[]) {
        assert.equal(echo(again, made(body, { time: 2 ** 48 - 1, ...head })), 'kept');
      }
    }
    const changed = encodeChatContent({ ...decodeChatContent(genuine), text: 'forged' } as ChatContent);
    assert.equal(echo(again, changed), 'kept');
    assert.deepEqual(picture(again), before);
    assert.equal(echo(again, genuine), 'kept');
    assert.deepEqual(again.texts(BOB), ['>I owe you nothing', '>genuine']);
  });

  test('of what was written to somebody else, or where nothing was lost, is not taken', () => {
    const { alice } = pair();
    const backup = alice.backup();
    alice.chat.send(BOB, { text: 'for Bob only' });
    const [bytes] = waiting(alice) as [Uint8Array];
    assert.equal(echo(alice, bytes), 'kept');
    assert.deepEqual(alice.texts(BOB), ['>for Bob only']);
    const again = alice.restored(backup);
    assert.equal(echo(again, bytes, CAROL), 'kept');
    assert.deepEqual(again.texts(CAROL), []);
    assert.equal(echo(again, bytes), 'kept');
    assert.deepEqual(again.texts(BOB), ['>for Bob only']);
  });
});

test('an echo of what was erased with its conversation is not taken, also after the next friendship', () => {
  const { alice, bob } = pair();
  const again = alice.restored();
  again.chat.meet(BOB);
  again.chat.send(BOB, { text: 'erased' });
  const erased = waiting(again).at(-1) as Uint8Array;
  settle(again, bob);
  again.chat.forget(BOB, { history: true });
  again.chat.meet(BOB);
  const echo = encodeChatNotice({ kind: 'echo', read: true, content: erased });
  assert.equal(receive(again, BOB, echo), 'kept');
  assert.deepEqual(again.texts(BOB), []);
});

test('an older timer of theirs that is sent again after a restore does not replace a newer own one, a newer does', async () => {
  for (const mineLast of [true, false]) {
    const { alice, bob, clock } = pair();
    // so that Alice's own comes back first
    alice.chat.send(BOB, { text: 'x' });
    settle(alice, bob);
    bob.chat.send(ALICE, { text: 'x' });
    settle(alice, bob);
    const backup = alice.backup();
    const set = async (side: Side, seconds: number) => {
      await clock.advance(60_000);
      side.chat.setTimer(side === alice ? BOB : ALICE, seconds);
      settle(alice, bob);
    };
    if (mineLast) await set(bob, 0);
    await set(alice, 3_600);
    if (!mineLast) await set(bob, 0);
    await clock.advance(60_000);
    const again = alice.restored(backup);
    again.chat.meet(BOB);
    settle(again, bob);
    const expected = mineLast ? 3_600 : 0;
    assert.deepEqual([again.chat.timer(BOB), bob.chat.timer(ALICE)], [expected, expected]);
  }
});

test('a timer that comes back after a restore does not replace one that was set after it', async () => {
  const { alice, bob, clock } = pair();
  const backup = alice.backup();
  alice.chat.setTimer(BOB, 60);
  const [own] = waiting(alice) as [Uint8Array];
  await clock.advance(1_000);
  bob.chat.setTimer(ALICE, 5);
  const theirs = copyOf(bob.outbox.rows(ALICE)[0]?.value as Uint8Array, 1);
  const echo = encodeChatNotice({ kind: 'echo', read: true, content: own });
  const again = alice.restored(backup);
  for (const content of [theirs, echo]) assert.equal(receive(again, BOB, content), 'kept');
  assert.equal(again.chat.timer(BOB), 5);
  assert.deepEqual(again.texts(BOB), ['<[timer]', '>[timer]']);
});

describe('what a thief of our prekeys can say in the name of a proven friend', () => {
  test('changes nothing that is there: only texts are appended, and marked', () => {
    const { alice, bob } = pair();
    alice.wasProven = true;
    const { id } = bob.chat.send(ALICE, { text: 'pay to account 111' });
    const own = alice.chat.send(BOB, { text: 'how much' });
    const [content] = waiting(alice) as [Uint8Array];
    const theirs = copyOf(bob.outbox.rows(ALICE)[0]?.value as Uint8Array, 1);
    settle(alice, bob);
    const before = picture(alice);
    alice.proven = false;
    const of = { by: 'sender', id } as const;
    const { chain } = decodeChatContent(content);
    const { chain: used } = decodeChatContent(theirs);
    const bodies: ChatBody[] = [
      { kind: 'edit', target: id, text: 'pay to account 666' },
      { kind: 'delete', target: id },
      { kind: 'reaction', target: of, emoji: 'x' },
      { kind: 'timer', seconds: 1 },
      { kind: 'gone', hash: new Uint8Array(32) },
    ];
    const notices: ChatNotice[] = [
      { kind: 'receipt', ids: [own.id] },
      { kind: 'resend', chain, from: 0, to: 9 },
      { kind: 'restored', have: [], know: [] },
      { kind: 'echo', read: true, content },
      { kind: 'part', of, index: 0, bytes: new Uint8Array(5) },
      { kind: 'part', of: { ...of, id: systemRandom(16) }, index: 0, bytes: new Uint8Array(5) },
    ];
    for (const body of bodies) assert.equal(receive(alice, BOB, made(body)), 'busy', body.kind);
    for (const notice of notices) {
      assert.equal(receive(alice, BOB, encodeChatNotice(notice)), 'busy', notice.kind);
    }
    assert.deepEqual(picture(alice), before);
    for (const head of [{ chain: used }, { chain: used, number: 1 }, { number: 1 }]) {
      assert.equal(receive(alice, BOB, made(text('in the place of a true one'), head)), 'busy');
    }
    assert.deepEqual(picture(alice), before);
    assert.equal(waiting(alice).length, 0);
    assert.equal(receive(alice, BOB, made(text('pay to account 666'))), 'kept');
    assert.equal(alice.last(BOB).unproven, true);
    const verdicts = Array.from({ length: 40 }, () => receive(alice, BOB, made(text('x'))));
    assert.deepEqual([verdicts[29], verdicts[30]], ['kept', 'busy']);
    alice.proven = true;
    assert.equal(receive(alice, BOB, made(text('begun anew by the friend'))), 'kept');
  });

  test('counts over a link that proves them, as after a restore of theirs, and before they were proven', () => {
    for (const how of ['linkProves', 'new friendship'] as const) {
      const { alice, bob } = pair();
      bob.wasProven = how === 'linkProves';
      bob.linkProves = how === 'linkProves';
      bob.proven = false;
      const { id } = alice.chat.send(BOB, { text: 'v1' });
      alice.chat.edit(id, 'v2');
      settle(alice, bob);
      bob.chat.markRead(ALICE);
      bob.proven = true;
      settle(alice, bob);
      assert.deepEqual(bob.texts(ALICE), ['<v2']);
      assert.equal(alice.chat.get(id)?.state, 'read');
    }
  });

  test('an edit that was not proven marks what it changes, also where it came first', () => {
    for (const late of [false, true]) {
      const { alice, bob } = pair();
      const { id } = alice.chat.send(BOB, { text: 'v1' });
      alice.chat.edit(id, 'v2');
      const [first, edit] = waiting(alice) as [Uint8Array, Uint8Array];
      const give = (content: Uint8Array, proven: boolean) => {
        bob.proven = proven;
        assert.equal(receive(bob, ALICE, content), 'kept');
      };
      if (late) give(edit, false);
      give(first, true);
      if (!late) give(edit, false);
      const [line] = bob.history(ALICE);
      assert.deepEqual([line?.text, line?.unproven], ['v2', true]);
    }
  });
});

describe('a friend who asks for a great deal', () => {
  const resend = (chain: Uint8Array, to = 2 ** 47) =>
    encodeChatNotice({ kind: 'resend', chain, from: 0, to });

  test('gets nothing for chains that are not here, and nobody looks through the outbox', () => {
    const { alice, bob } = pair();
    alice.chat.send(BOB, { text: 'x' });
    settle(alice, bob);
    alice.outbox.outbox = () => assert.fail('the whole outbox was decoded');
    for (let i = 0; i < 50; i++) assert.equal(receive(alice, BOB, resend(systemRandom(8))), 'kept');
    assert.equal(waiting(alice).length, 0);
  });

  test('has one batch under way at a time over all chains, and gets all of it in the end', () => {
    const { alice, bob } = pair();
    const chains: Uint8Array[] = [];
    let side = alice;
    for (let i = 0; i < 3; i++) {
      side = side.restored();
      side.database.transaction(() => {
        for (let n = 0; n < 70; n++) side.chat.send(BOB, { text: `${i} ${n}` });
      });
      chains.push(decodeChatContent(waiting(side)[0] as Uint8Array).chain);
      side.database.transaction(() => {
        for (const { name } of side.outbox.rows(BOB)) side.outbox.drop(name);
      });
    }
    for (let i = 0; i < 2; i++) {
      for (const chain of chains) assert.equal(receive(side, BOB, resend(chain, 69)), 'kept');
      assert.equal(waiting(side).length, 64);
    }
    settle(side, bob);
    assert.equal(bob.chat.unread(ALICE), 210);
  });

  test('is answered that it was restored a few times, and then once a day', async () => {
    const { alice, bob, clock } = pair();
    alice.chat.send(BOB, { text: 'x' });
    settle(alice, bob);
    const restored = encodeChatNotice({ kind: 'restored', have: [], know: [] });
    const answers = (): number => {
      assert.equal(receive(alice, BOB, restored), 'kept');
      const count = waiting(alice).length;
      settle(alice, bob);
      return count;
    };
    assert.deepEqual([1, 2, 3, 4, 5].map(answers), [1, 1, 1, 0, 0]);
    // what was one too many is not forgotten
    await clock.advance(RESTORED_EVERY_MS + 1_000);
    alice.chat.expire(clock.now());
    assert.equal(waiting(alice).length, 1);
    settle(alice, bob);
    assert.equal(alice.chat.nextExpiry(), null);
    assert.deepEqual([1, 2].map(answers), [0, 0]);
  });

  test('that it was restored under a clock of ours that was years ahead is answered under the right one', async () => {
    const { alice, bob, clock } = pair();
    alice.chat.send(BOB, { text: 'x' });
    settle(alice, bob);
    const restored = encodeChatNotice({ kind: 'restored', have: [], know: [] });
    const right = clock.now();
    clock.setWall(right + 10 * 365 * RESTORED_EVERY_MS);
    assert.equal(receive(alice, BOB, restored), 'kept');
    settle(alice, bob);
    clock.setWall(right);
    assert.equal(receive(alice, BOB, restored), 'kept');
    assert.equal(waiting(alice).length, 1);
  });

  test('cannot fill the disk with gaps: places are bounded over all chains, and free again when filled', () => {
    const { alice } = pair();
    let messages = 0;
    const send = (chain: Uint8Array, number: number) => {
      messages += 1;
      return receive(alice, BOB, made(text('x'), { chain, number }));
    };
    const first = systemRandom(8);
    for (let c = 0; c < 4; c++) {
      const chain = c === 0 ? first : systemRandom(8);
      for (let i = 1; i <= 10; i++) assert.equal(send(chain, i * 1_024 - 1), 'kept');
    }
    const rows = alice.database.table('message').count();
    assert.ok(rows <= MAX_OPEN_PLACES + 2 * messages, `${rows} rows`);
    assert.ok(rows >= MAX_OPEN_PLACES, 'places are opened at all');
    for (let n = 0; n < 5; n++) assert.equal(send(first, n), 'kept');
    const before = alice.database.table('message').count();
    assert.equal(send(systemRandom(8), 5), 'kept');
    assert.equal(alice.database.table('message').count(), before + 6, 'five places and the message');
    assert.equal(send(systemRandom(8), 5), 'kept');
    assert.equal(alice.database.table('message').count(), before + 8, 'one place for all, and the message');
  });
});

describe('a friend whose clock is years ahead', () => {
  const LATEST = 2 ** 48 - 1;

  test('cannot keep the timer: what was set here last counts here', () => {
    const { alice } = pair();
    assert.equal(receive(alice, BOB, made({ kind: 'timer', seconds: 1 }, { time: LATEST })), 'kept');
    assert.equal(alice.chat.timer(BOB), 1);
    alice.chat.setTimer(BOB, 0);
    assert.equal(alice.chat.timer(BOB), 0);
    alice.chat.send(BOB, { text: 'stays' });
    assert.equal(decodeChatContent(waiting(alice).at(-1) as Uint8Array).lifetimeS, 0);
    // nor does a clock that is behind hinder anybody
    assert.equal(receive(alice, BOB, made({ kind: 'timer', seconds: 5 }, { time: 0 })), 'kept');
    assert.equal(alice.chat.timer(BOB), 5);
  });

  test('has the last word about its own edits and reactions for minutes at most', async () => {
    const { alice, clock } = pair();
    const id = systemRandom(16);
    const target = { by: 'sender', id } as const;
    assert.equal(receive(alice, BOB, made(text('v1'), { id })), 'kept');
    const change = (words: string, time: number): void => {
      assert.equal(receive(alice, BOB, made({ kind: 'edit', target: id, text: words }, { time })), 'kept');
      assert.equal(receive(alice, BOB, made({ kind: 'reaction', target, emoji: words }, { time })), 'kept');
    };
    change('v2', LATEST);
    assert.equal(alice.last(BOB).editedAt, clock.now() + MAX_CLOCK_AHEAD_MS);
    await clock.advance(MAX_CLOCK_AHEAD_MS + 1_000);
    change('v3', clock.now());
    assert.equal(alice.last(BOB).text, 'v3');
    assert.deepEqual(alice.last(BOB).reactions, [{ by: 'them', emoji: 'v3' }]);
  });
});
