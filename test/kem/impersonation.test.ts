/**
 * What a thief of all of Bob's secrets can make Bob believe about Alice: whatever is proven is hers. The thief is given a
 * recorded opening of Alice, and writes what the formats allow.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, type AcceptedContact, decryptOpening } from '../../src/kem/kx1-responder.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { nextChainKey } from '../../src/kem/ratchet-keys.ts';
import { OPENING_MESSAGE_BYTES } from '../../src/kem/kx1.ts';
import { isProven, type Session } from '../../src/kem/session.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { contactTo, type Made, NOW, node, Party, refuses } from './parties.ts';

const none = { get: () => null };
const SMALL = 4_064;

/** What the thief has of Alice's session with Bob: her first chain, from its second message on. */
function thiefOf(bob: Party, { opening, session }: Made): (n: number, pq: Session['pq']) => Session {
  const stolen = decryptOpening(node, bob.keys, opening, NOW).session;
  const { receiving, remoteRatchetKey } = stolen;
  assert.ok(receiving !== null && remoteRatchetKey !== null);
  return (n, pq) => {
    let { chainKey } = receiving;
    for (let i = receiving.n; i < n; i++) chainKey = nextChainKey(nodeProvider, chainKey);
    const sending = { ratchetKey: remoteRatchetKey, headerKey: receiving.headerKey, chainKey, n };
    return { ...session, sending, pq };
  };
}

function scene(): { alice: Party; bob: Party; made: Made; accepted: AcceptedContact } {
  const [alice, bob] = [new Party(), new Party()];
  const made = contactTo(alice, bob.verified());
  return { alice, bob, made, accepted: accept(node, bob.keys, made.opening, NOW) };
}

test('a key of epoch 1 in a message is not answered: only the signed one proves Alice', () => {
  const { bob, made, accepted } = scene();
  const seed = node.random(64);
  const { publicKey: key } = nodeProvider.mlKem768.keyPair(seed);
  const forged = thiefOf(bob, made)(1, { mode: 'propose', epoch: 0, seed, key, pair: null });
  const message = encrypt(node, forged, utf8('answer this key'), SMALL).message;
  // before Bob has verified the bundle, and after
  const { session: unverified } = decryptOpening(node, bob.keys, made.opening, NOW);
  for (const session of [unverified, accepted.session]) {
    const read = decrypt(node, session, message, none, NOW);
    assert.deepEqual(read.session.pq, session.pq);
    assert.equal(read.proven, false);
  }
});

test('what was written before the proof stays unproven when it is read after it', () => {
  const { bob, made, accepted } = scene();
  const skipped = new SkippedKeyMap();
  const forge = thiefOf(bob, made);
  const wait = { mode: 'wait', epoch: 0 } as const;
  // the thief leaves gaps in Alice's chain
  const jump = decrypt(
    node,
    accepted.session,
    encrypt(node, forge(20, wait), utf8(''), SMALL).message,
    skipped,
    NOW,
  );
  skipped.apply(jump.skipped);
  const answer = encrypt(node, jump.session, utf8('who is there?'), SMALL);
  const heard = decrypt(node, made.session, answer.message, none, NOW);
  const alices = encrypt(node, heard.session, utf8('Alice'), SMALL);
  const proof = decrypt(node, answer.session, alices.message, skipped, NOW);
  assert.deepEqual([proof.proven, isProven(proof.session)], [true, true]);
  // and fills one now
  const late = decrypt(
    node,
    proof.session,
    encrypt(node, forge(5, wait), utf8('send money'), SMALL).message,
    skipped,
    NOW,
  );
  assert.equal(Buffer.from(late.content).toString(), 'send money');
  assert.deepEqual([late.proven, isProven(late.session)], [false, true]);
});

test('no key of the pair is given out before the proof, and the thief has none after it', () => {
  const { bob, made, accepted } = scene();
  assert.equal(made.epochKeys.pairKey, null);
  assert.equal(accepted.epochKeys.pairKey, null);
  const answer = encrypt(node, accepted.session, utf8(''), SMALL);
  const heard = decrypt(node, made.session, answer.message, none, NOW);
  const proof = encrypt(node, heard.session, utf8(''), SMALL);
  const { epochKeys } = decrypt(node, answer.session, proof.message, none, NOW);
  assert.ok(epochKeys?.pairKey instanceof Uint8Array && epochKeys.epoch === 1);
  assert.deepEqual(proof.epochKeys?.pairKey, epochKeys.pairKey);
  // with Bob's ratchet secret besides, and another epoch secret than the one that only Alice can open
  assert.ok(answer.session.pq.mode === 'answer');
  const guessed = { ...answer.session, pq: { ...answer.session.pq, secret: node.random(32) } };
  assert.throws(() => decrypt(node, guessed, proof.message, none, NOW), /refused/);
  assert.equal(bob.prekeys.length, 1);
});

test('an unproven peer makes nobody bridge more than 256 messages, in the first message or later', () => {
  const { bob, made, accepted, alice } = scene();
  const forge = thiefOf(bob, made);
  const body = concat(alice.bundle, utf8('far'));
  for (const [n, bridged] of [
    [257, true],
    [258, false],
  ] as const) {
    const { message } = encrypt(node, forge(n, { mode: 'wait', epoch: 0 }), body, OPENING_MESSAGE_BYTES);
    const read = (): unknown => decrypt(node, accepted.session, message, none, NOW);
    if (bridged) read();
    else refuses('TOO_FAR_AHEAD', read);
  }
});
