/** What a review tried on whole people, and what it must not do any more. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { withHead } from '../../src/delivery/content-head.ts';
import type { Via } from '../../src/delivery/face.ts';
import { verifyBundle } from '../../src/kem/bundle.ts';
import { decodeIdentity, Identity } from '../../src/kem/identity.ts';
import { deriveSecrets, encodeKx1Header, OPENING_MESSAGE_BYTES, transcriptOf } from '../../src/kem/kx1.ts';
import { decodePrekeys, generatePrekeys } from '../../src/kem/prekeys.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { sealEnvelope } from '../../src/kem/sealed-envelope.ts';
import { openAsInitiator } from '../../src/kem/session.ts';
import { concat, fromHex } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { encodeChatContent } from '../../src/wire/chat-content.ts';
import { encodeProfile } from '../../src/wire/profile-content.ts';
import { node as primitives } from '../kem/parties.ts';
import { befriend, eventually, PeopleNetwork, type PeopleNode } from './people-nodes.ts';

let network: PeopleNetwork;
let alice: PeopleNode;
let bob: PeopleNode;
let carol: PeopleNode;

before(async () => {
  network = await PeopleNetwork.create({ delayMs: 1 });
  [alice, bob, carol] = await Promise.all([
    network.node('alice'),
    network.node('bob'),
    network.node('carol'),
  ]);
  await befriend(bob, alice);
  await Promise.all([alice, bob].map((one, i) => one.friend(i === 0 ? 'bob' : 'alice', isProven)));
});
after(() => network.remove());

const isProven = ({ connected, trust }: { connected: boolean; trust: string }): boolean =>
  connected && trust === 'proven';
const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size));
const DOOR: Via = { kind: 'door', invite: random(32) };

/** An invite whose door is open. */
async function openInvite(host: PeopleNode, options = {}): Promise<string> {
  const { id, uri } = host.calls.openInvite(options);
  await eventually('open', () =>
    host.calls.invites().some((invite) => invite.id === id && invite.state === 'open'),
  );
  return uri;
}

/** An envelope with an opening of `bob` for `alice`, made by whoever has her prekeys and has seen his bundle. */
function forgery(number: number, stream: Uint8Array, content: Uint8Array): Uint8Array {
  const now = Date.now();
  const row = alice.database?.table('prekeys').page({ limit: 1 })[0] ?? assert.fail();
  const spk = nodeProvider.x25519.keyPair(decodePrekeys(row.value).spkSecret);
  const peer = verifyBundle(nodeProvider, alice.people.book.delivery.bundle(), now);
  const bundle = bob.people.book.delivery.bundle();
  const { ed, device, dsaHash, hash, fingerprint } = verifyBundle(nodeProvider, bundle, now);
  const ephemeral = nodeProvider.x25519.keyPair(random(32));
  const { ciphertext, sharedSecret } = nodeProvider.mlKem1024.encapsulate(peer.kem);
  const header = encodeKx1Header({
    prekeyId: peer.prekeyId,
    oneTimePrekeyId: 0,
    ed,
    device,
    dsaHash,
    bundleHash: hash,
    ephemeral: ephemeral.publicKey,
    ciphertext,
  });
  const transcript = transcriptOf(nodeProvider, header, {
    initiatorFingerprint: fingerprint,
    responderFingerprint: peer.fingerprint,
    responderBundleHash: peer.hash,
    oneTimePrekey: null,
  });
  const agreed = [spk.agree(device), ephemeral.agree(peer.device), ephemeral.agree(peer.spk), sharedSecret];
  const session = openAsInitiator({
    transcript,
    keys: deriveSecrets(nodeProvider, transcript, agreed).keys,
    remoteRatchetKey: peer.spk,
    answerSeed: random(64),
    opening: { header, expiry: peer.expiry },
  });
  const headed = concat(bundle, withHead({ stream, number, after: 0 }, content));
  const { message } = encrypt(primitives, session, headed, OPENING_MESSAGE_BYTES);
  return sealEnvelope(
    nodeProvider,
    { inboxKey: peer.inbox, fingerprint: peer.fingerprint },
    concat(header, message),
  );
}

test('who stole our prekeys cannot speak in the name of a friend at a door', async () => {
  bob.calls.send('alice', { text: 'pay to account 111' });
  const message = await alice.message('bob', 'pay to account 111');
  const seen = [alice.calls.history('bob'), alice.calls.friend('bob')];
  const head = { chain: random(8), lifetimeS: 0, tag: random(16), time: Date.now() + 1_000 };
  const target = fromHex(message.id);
  const contents = [
    encodeProfile({ revision: 2 ** 32 - 1, name: 'Bobby', status: 'new account: 666', picture: null }),
    encodeChatContent({
      ...head,
      id: random(16),
      number: 0,
      prev: new Uint8Array(32),
      kind: 'delete',
      target,
    }),
    encodeChatContent({
      ...head,
      id: random(16),
      number: 0,
      prev: new Uint8Array(32),
      kind: 'text',
      reply: null,
      text: 'pay to account 666',
    }),
  ];
  const { delivery } = alice.people.book;
  for (const [i, content] of contents.entries()) {
    const bytes = forgery(1, random(8), content);
    const carried = { form: 'opening', bytes, count: 1, tag: random(16) } as const;
    assert.equal(delivery.receive(carried, { contact: null, via: DOOR }), 'busy', `content ${i}`);
  }
  assert.deepEqual([alice.calls.history('bob'), alice.calls.friend('bob')], seen);
});

test('a changed device is confirmed by the words of the devices, and by nothing else', () => {
  const id = fromHex(bob.calls.identity().id);
  const [hers, his] = [alice.calls.safetyWords('bob'), bob.calls.safetyWords('alice')];
  assert.deepEqual(hers, his);
  assert.equal(hers.device?.changed, false);
  assert.equal(hers.device?.words.split(' ').length, 18);
  assert.throws(() => alice.calls.trust('bob', { device: 'other words' }), { code: 'DEVICE_CHANGED' });
  assert.equal(alice.calls.trust('bob').trust, 'compared');

  // whoever has his identity names another device
  const own = bob.database?.table('identity').page({ limit: 1 })[0] ?? assert.fail();
  const secrets = { ...decodeIdentity(own.value), deviceSecret: random(32), deviceId: random(16) };
  const identity = new Identity(nodeProvider, secrets);
  const { secrets: made } = generatePrekeys(primitives, identity, [], Date.now() + 60_000);
  const { delivery } = alice.people.book;
  assert.equal(delivery.learnBundle(id, made.bundle), 'changed');
  const now = alice.calls.safetyWords('bob');
  assert.equal(now.words, his.words, 'these prove nothing of the device');
  assert.equal(now.device?.changed, true);
  assert.notEqual(now.device?.words, his.device?.words, 'he reads out others');
  for (const options of [undefined, {}, { device: his.device?.words ?? '' }]) {
    assert.throws(() => alice.calls.trust('bob', options), { code: 'DEVICE_CHANGED' });
    assert.equal(alice.calls.friend('bob').trust, 'changed');
  }
  assert.notEqual(alice.calls.trust('bob', { device: now.device?.words ?? '' }).trust, 'changed');
  assert.deepEqual(alice.calls.safetyWords('bob').device, { words: now.device?.words, changed: false });
});

test('an invite that is refused touches no history and nothing that was asked before', async () => {
  alice.calls.remove('bob');
  bob.calls.remove('alice');
  const found = alice.calls.search('account').length;
  assert.equal(found, 1);
  const used = await openInvite(bob);
  await carol.calls.add(used, { name: 'bob' });
  await assert.rejects(alice.calls.add(used, {}), { code: 'INVITE_REFUSED' });
  assert.deepEqual(alice.calls.friends(), [], 'who is new is gone again');
  assert.equal(alice.calls.search('account').length, found);
  assert.equal(alice.people.book.friends.homeRotationDue, false);

  const good = await openInvite(bob);
  await alice.calls.add(good, { name: 'robert' });
  await assert.rejects(alice.calls.add(used, {}), { code: 'INVITE_REFUSED' });
  assert.deepEqual(
    alice.calls.friends().map(({ name, request }) => [name, request]),
    [['robert', 'refused']],
  );
  assert.equal(alice.people.book.friends.homeRotationDue, false);
  assert.equal(alice.calls.search('account').length, found);
  bob.calls.accept(alice.calls.identity().id, 'alice');
  await alice.friend('robert', ({ state }) => state === 'friend');
});

test('a listener that fails, and a door that cannot be made, end nothing else', async () => {
  if (process.env['NOP'] !== undefined) alice.people.events.presence = () => assert.fail('a listener that fails');
  for (const one of [alice]) { const d = one.people.book.delivery as any; const r = d.receive.bind(d); d.receive = (c: any, f: any) => { const v = r(c, f); console.log(one.name, 'receive', c.form, c.count, v); return v; }; }
  const log = (one: PeopleNode) => (one.people as any).init;
  void log;
  await bob.stop();
  await bob.start();
  bob.calls.send('alice', { text: 'are you there?' });
  setTimeout(() => console.log(JSON.stringify([alice.calls.history('robert').map((m) => [m.kind, m.text, m.state, m.unproven]),alice.calls.friend('robert'), bob.calls.friend('alice'), bob.calls.why(bob.calls.history('alice').at(-1)!.id)], null, 1)), 2000);
  await alice.message('robert', 'are you there?');
  Object.defineProperty(carol.tor, 'services', {
    configurable: true,
    get: () => assert.fail('tor is gone'),
  });
  const { id } = carol.calls.openInvite({});
  await eventually('the door has failed', () =>
    carol.calls.invites().some((invite) => invite.id === id && invite.state === 'failed'),
  );
  Reflect.deleteProperty(carol.tor, 'services');
  carol.calls.closeInvite(id);
});
