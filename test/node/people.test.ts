/** Two and three people on a fake onion network: from an invite to a conversation, and what others cannot do. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KithError } from '../../src/safety/errors.ts';
import { befriend, eventually, PeopleNetwork, type PeopleNode } from './people-nodes.ts';

let network: PeopleNetwork;
let alice: PeopleNode;
let bob: PeopleNode;
let carol: PeopleNode;

before(async () => {
  network = await PeopleNetwork.create({ delayMs: 2 });
  [alice, bob, carol] = await Promise.all([
    network.node('alice'),
    network.node('bob'),
    network.node('carol'),
  ]);
});
after(() => network.remove());

test('an invite, a request and an answer make friends, who are linked and prove each other', async () => {
  alice.calls.setProfile({ name: 'Alice', status: 'at home' });
  await befriend(alice, bob);
  const [his, hers] = await Promise.all([
    bob.friend('alice', ({ connected, trust }) => connected && trust === 'proven'),
    alice.friend('bob', ({ connected, trust }) => connected && trust === 'proven'),
  ]);
  assert.equal(his.id, alice.calls.identity().id);
  assert.equal(hers.note, 'it is bob');
  await bob.friend('alice', ({ profile }) => profile?.status === 'at home');
  assert.equal(alice.calls.safetyWords('bob').words, bob.calls.safetyWords('alice').words);
});

test('messages go both ways and are delivered and read', async () => {
  // requests, profiles and receipts arrived already: they are no messages
  assert.deepEqual([alice.delivered, bob.delivered], [0, 0]);
  const sent = alice.calls.send('bob', { text: 'hello bob' });
  assert.equal(sent.state, 'saved');
  const received = await bob.message('alice', 'hello bob');
  assert.equal(received.state, 'received');
  await alice.message('bob', 'hello bob', ({ state }) => state === 'delivered');
  assert.deepEqual([alice.delivered, bob.delivered], [1, 0]);
  bob.calls.markRead('alice');
  await alice.message('bob', 'hello bob', ({ state }) => state === 'read');
  bob.calls.send('alice', { text: 'hello alice', replyTo: received.id });
  const reply = await alice.message('bob', 'hello alice');
  assert.equal(reply.replyTo, sent.id);
});

test('what is written while the other is away arrives when they are back, once and in order', async () => {
  await bob.stop();
  const texts = Array.from({ length: 10 }, (_, i) => `while you were away ${i}`);
  for (const text of texts) alice.calls.send('bob', { text });
  const last = alice.calls.history('bob').at(-1) ?? assert.fail();
  assert.equal(last.state, 'saved');
  assert.ok(alice.calls.why(last.id).hint.length > 0);
  await bob.start();
  await bob.message('alice', texts.at(-1) ?? '');
  const got = bob.texts('alice').filter((text) => text.startsWith('while'));
  assert.deepEqual(got, texts);
  await alice.message('bob', texts.at(-1) ?? '', ({ state }) => state === 'delivered');
});

test('edits, reactions, deletions and attachments reach the other side', async () => {
  const { id } = alice.calls.send('bob', { text: 'first' });
  await bob.message('alice', 'first');
  alice.calls.edit(id, 'second');
  await bob.message('alice', 'second', ({ editedAt }) => editedAt !== null);
  bob.calls.react(id, '👍');
  await eventually('the reaction', () => alice.calls.message(id).reactions.length === 1);
  alice.calls.deleteMessage(id);
  await eventually(
    'the deletion',
    () => bob.calls.history('alice').find((message) => message.id === id)?.kind !== 'text',
  );
  const bytes = Buffer.alloc(100_000, 'attachment ');
  const attachment = { name: 'notes.txt', type: 'text/plain', data: bytes.toString('base64') };
  const file = alice.calls.send('bob', { attachment, text: 'my notes' });
  await bob.message('alice', 'my notes', (message) => message.attachment?.complete === true);
  assert.deepEqual(Buffer.from(bob.calls.attachment(file.id).data, 'base64'), bytes);
});

test('who is denied learns nothing; a used or closed invite lets nobody in, and says so', async () => {
  const invite = alice.calls.openInvite({});
  const isOpen = (id: string) => () =>
    alice.calls.invites().find((one) => one.id === id && one.state === 'open');
  await eventually('open', isOpen(invite.id));
  const asked = await carol.calls.add(invite.uri, { name: 'alice' });
  assert.deepEqual([asked.state, asked.request], ['requested', 'arrived']);
  const { id } = await eventually('carol asks', () =>
    alice.calls.friends().find(({ state }) => state === 'asking'),
  );
  const dave = await network.node('dave');
  await assert.rejects(dave.calls.add(invite.uri, {}), { code: 'INVITE_REFUSED' });
  assert.deepEqual(dave.calls.friends(), [], 'and nobody was asked');
  alice.calls.deny(id);
  assert.equal(carol.calls.friend('alice').request, 'arrived');
  const other = alice.calls.openInvite({ public: true });
  await eventually('open', isOpen(other.id));
  alice.calls.closeInvite(other.id);
  await assert.rejects(dave.calls.add(other.uri, {}), KithError);
});

test('a new home: friends follow, and the old one goes', async () => {
  const before = alice.people.homes.current.onion.host;
  const { onion } = await alice.calls.rotateHome();
  assert.notEqual(onion, `${before}.onion`);
  await eventually('bob knows it', () => alice.people.book.friends.homeWaiting() === 0);
  await bob.stop();
  await bob.start();
  bob.calls.send('alice', { text: 'found you' });
  await alice.message('bob', 'found you');
});

test('who is removed cannot come back, and is not shown anything', async () => {
  alice.calls.remove('bob', { history: true });
  assert.throws(() => alice.calls.friend('bob'), { code: 'WHO_UNKNOWN' });
  bob.calls.send('alice', { text: 'are you there?' });
  await bob.friend('alice', ({ connected }) => !connected);
  assert.equal(alice.calls.search('are you there').length, 0);
});

test('who is blocked hears nothing, cannot be written to, and the home moves away; a stop right then leaves nothing', async () => {
  bob.calls.block('alice');
  assert.equal(bob.calls.friend('alice').state, 'blocked');
  assert.throws(() => bob.calls.send('alice', { text: 'hello?' }), { code: 'BLOCKED' });
  await bob.stop(); // while the new home starts: the test file ends only if that left no socket behind
});
