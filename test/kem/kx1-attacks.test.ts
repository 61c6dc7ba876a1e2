/** The attacks on authenticated key exchange, each by name, against KX1. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { signBundle, verifyBundle } from '../../src/kem/bundle.ts';
import { encryptUnder, receiveMessage, receiveOpening } from '../../src/kem/contact-messages.ts';
import { NO_SESSIONS } from '../../src/kem/contact.ts';
import { withOpened } from '../../src/kem/contact-sessions.ts';
import { encodeKx1Header, type Opening, OPENING_MESSAGE_BYTES, readOpening } from '../../src/kem/kx1.ts';
import { accept } from '../../src/kem/kx1-responder.ts';
import { generatePrekeys } from '../../src/kem/prekeys.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { isProven, type Session } from '../../src/kem/session.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { concat, toHex, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { forge } from './kx1-forger.ts';
import { contactTo, DAY, isRefused, NOW, node, Party, refuses } from './parties.ts';

const none = new SkippedKeyMap();
const noneOf = (): SkippedKeyMap => none;

/** DH(x_A, spk_B), as whoever holds the prekey's secret computes it. */
function withPrekeySecret(initiator: Party, responder: Party): Uint8Array {
  return responder.newest.spk.agree(initiator.identity.device.publicKey);
}

/** The opening with another header. */
function withHeader(opening: Opening, change: Partial<Opening['header']>): Opening {
  const header = encodeKx1Header({ ...opening.header, ...change });
  return readOpening(nodeProvider, concat(header, opening.message));
}

describe('unknown key-share', () => {
  test("a bundle with Bob's keys under Eve's identity: what is written to Eve does not open at Bob", () => {
    const [alice, bob, eve] = [new Party(), new Party(), new Party()];
    const { prekeyId, issued, expiry, spk, kem, answer, inbox } = bob.verified();
    const posing = {
      ed: eve.identity.ed,
      dsa: eve.identity.dsa,
      deviceId: bob.identity.deviceId,
      device: bob.identity.device,
    };
    const bytes = signBundle(posing, { prekeyId, issued, expiry, spk, kem, answer, inbox });
    const eves = verifyBundle(nodeProvider, bytes, NOW);
    assert.deepEqual(eves.device, bob.verified().device);
    const { opening } = contactTo(alice, eves);
    refuses('NOT_FOR_THIS_SESSION', () => accept(node, bob.keys, opening, NOW));
  });

  test('an opening relayed to another recipient does not open, not even under the same prekey id', () => {
    const [alice, bob, carol] = [new Party(), new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    refuses('UNKNOWN_PREKEY', () => accept(node, carol.keys, opening, NOW));
    const toCarol = withHeader(opening, { prekeyId: carol.newest.id });
    refuses('NOT_FOR_THIS_SESSION', () => accept(node, carol.keys, toCarol, NOW));
  });

  test("Alice's opening under Eve's name does not open", () => {
    const [alice, bob, eve] = [new Party(), new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    const { ed, dsaHash, hash } = eve.verified();
    for (const change of [{ ed }, { dsaHash }, { bundleHash: hash }, { ed, dsaHash, bundleHash: hash }]) {
      refuses('NOT_FOR_THIS_SESSION', () => accept(node, bob.keys, withHeader(opening, change), NOW));
    }
  });

  test("Eve with Alice's device key in her own bundle cannot write, because she does not hold it", () => {
    const [alice, bob, eve] = [new Party(), new Party(), new Party()];
    const posing = {
      ed: eve.identity.ed,
      dsa: eve.identity.dsa,
      deviceId: eve.identity.deviceId,
      device: alice.identity.device,
    };
    const bytes = signBundle(posing, { ...eve.verified() });
    const claimed = verifyBundle(nodeProvider, bytes, NOW);
    const agreed = eve.identity.device.agree(bob.verified().spk);
    const { opening } = forge({ claimed, agreed, peer: bob.verified(), bundle: bytes });
    refuses('NOT_FOR_THIS_SESSION', () => accept(node, bob.keys, opening, NOW));
  });
});

describe('key-compromise impersonation', () => {
  test("who holds all of Bob's secrets opens a session as Alice, and can never prove it", () => {
    const [alice, bob] = [new Party(), new Party()];
    const claimed = alice.verified();
    const forged = forge({
      claimed,
      agreed: withPrekeySecret(alice, bob),
      peer: bob.verified(),
      bundle: alice.bundle,
    });
    const accepted = accept(node, bob.keys, forged.opening, NOW);
    assert.deepEqual(accepted.content, utf8('forged'));
    assert.equal(isProven(accepted.session), false);

    let bobs: Session = accepted.session;
    let thiefs: Session = forged.session;
    // however often they go back and forth, the thief stays in epoch 0
    for (let round = 0; round < 4; round++) {
      const reply = encrypt(node, bobs, utf8('who is there?'), 4_064);
      bobs = reply.session;
      const read = decrypt(node, thiefs, reply.message, none, NOW);
      assert.equal(read.session.pq.mode, 'ready', 'it has a secret for epoch 1, and the wrong one');
      const proof = encrypt(node, read.session, utf8('Alice'), 4_064);
      assert.equal(proof.session.pq.epoch, 1);
      assert.ok(isRefused(() => decrypt(node, bobs, proof.message, none, NOW)));
      // by staying in epoch 0 it is read, and not proven
      const held = { ...read.session, pq: thiefs.pq };
      const stayed = encrypt(node, held, utf8('Alice'), 4_064);
      bobs = decrypt(node, bobs, stayed.message, none, NOW).session;
      assert.equal(isProven(bobs), false);
      thiefs = stayed.session;
    }
    const { peer } = accepted;
    assert.deepEqual(peer.fingerprint, alice.identity.fingerprint, 'that is what it looked like');
  });

  test('an opening in the name of a contact draws nothing away', () => {
    const [alice, bob] = [new Party(), new Party()];
    const first = contactTo(alice, bob.verified());
    let contact = receiveOpening(node, bob.keys, NO_SESSIONS, first.opening, noneOf, NOW).contact;
    const live = contact.live?.session.transcript as Uint8Array;
    const forged = forge({
      claimed: alice.verified(),
      agreed: withPrekeySecret(alice, bob),
      peer: bob.verified(),
      bundle: alice.bundle,
    });
    contact = receiveOpening(node, bob.keys, contact, forged.opening, noneOf, NOW).contact;
    assert.deepEqual(contact.live?.session.transcript, live);
    // the answer that the candidate is owed says nothing, and makes the thief no better
    const [, candidate] = [contact.live, contact.candidates[0]] as const;
    assert.ok(candidate?.owed);
    const reply = encryptUnder(node, contact, candidate, {
      content: new Uint8Array(0),
      messageBytes: 4_064,
      prekeys: bob.prekeys,
      now: NOW,
    });
    contact = reply.contact;
    const read = decrypt(node, forged.session, reply.bytes, none, NOW);
    const stayed = encrypt(node, { ...read.session, pq: forged.session.pq }, utf8('Alice'), 4_064);
    const after = receiveMessage(node, contact, stayed.message, noneOf, NOW);
    assert.equal(after.proven, false);
    assert.deepEqual(after.contact.live?.session.transcript, live);
  });

  test('nor does it from an own opening that waits for its answer', () => {
    for (let i = 0; i < 2; i++) {
      // both orders of the fingerprints
      const [alice, bob] = [new Party(), new Party()];
      const own = contactTo(bob, alice.verified());
      const contact = withOpened(NO_SESSIONS, own, NOW);
      const forged = forge({
        claimed: alice.verified(),
        agreed: withPrekeySecret(alice, bob),
        peer: bob.verified(),
        bundle: alice.bundle,
      });
      const after = receiveOpening(node, bob.keys, contact, forged.opening, noneOf, NOW);
      assert.deepEqual(after.contact.live?.session.transcript, own.session.transcript);
    }
  });
});

describe('replayed KX1', () => {
  test('to the same recipient: the session that it opened has read it already', () => {
    const [alice, bob] = [new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    const { contact, accepted } = receiveOpening(node, bob.keys, NO_SESSIONS, opening, noneOf, NOW);
    bob.replays.add(toHex(accepted?.replayId as Uint8Array));
    refuses('ALREADY_RECEIVED', () => receiveOpening(node, bob.keys, contact, opening, noneOf, NOW));
  });

  test('after the session was dropped', () => {
    const [alice, bob] = [new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    bob.replays.add(toHex(accept(node, bob.keys, opening, NOW).replayId));
    refuses('REPLAYED', () => receiveOpening(node, bob.keys, NO_SESSIONS, opening, noneOf, NOW));
    // whatever else the header says
    refuses('REPLAYED', () =>
      accept(node, bob.keys, withHeader(opening, { ed: bob.verified().device }), NOW),
    );
  });

  test('with the unused bit of the ephemeral key flipped: another id, and another transcript', () => {
    const [alice, bob] = [new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    bob.replays.add(toHex(opening.replayId));
    const ephemeral = opening.header.ephemeral.slice();
    ephemeral[31] = (ephemeral[31] as number) ^ 0x80;
    refuses('NOT_FOR_THIS_SESSION', () => accept(node, bob.keys, withHeader(opening, { ephemeral }), NOW));
  });

  test('after a restore that forgot it: the prekeys are retired, so it opens nothing', () => {
    const [alice, bob] = [new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    accept(node, bob.keys, opening, NOW);
    const restored = bob.newest;
    bob.replays.clear();
    bob.prekeys = [generatePrekeys(node, bob.identity, bob.prekeys, NOW)];
    restored.erase();
    refuses('UNKNOWN_PREKEY', () => accept(node, bob.keys, opening, NOW));
  });
});

describe('swapped bundles', () => {
  /** Mallory's own, valid session to Bob, with lies about the bundle. */
  function lying(
    lie: { header?: Partial<Opening['header']>; bundle: Uint8Array },
    mallory: Party,
    bob: Party,
  ) {
    const agreed = mallory.identity.device.agree(bob.verified().spk);
    return forge({ claimed: mallory.verified(), agreed, peer: bob.verified(), ...lie }).opening;
  }

  test("another version of the initiator's own bundle than the header names", () => {
    const [mallory, bob] = [new Party(), new Party()];
    const other = generatePrekeys(node, mallory.identity, mallory.prekeys, NOW);
    const opening = lying({ bundle: other.secrets.bundle }, mallory, bob);
    refuses('BUNDLE_MISMATCH', () => accept(node, bob.keys, opening, NOW));
    const named = lying({ bundle: mallory.bundle, header: { bundleHash: other.bundleHash } }, mallory, bob);
    refuses('BUNDLE_MISMATCH', () => accept(node, bob.keys, named, NOW));
    accept(node, bob.keys, lying({ bundle: mallory.bundle }, mallory, bob), NOW);
  });

  test("Alice's bundle in the body of Mallory's session, named by its hash or not", () => {
    const [alice, mallory, bob] = [new Party(), new Party(), new Party()];
    const { hash, ed, dsaHash } = alice.verified();
    for (const header of [
      {},
      { bundleHash: hash },
      { bundleHash: hash, ed },
      { bundleHash: hash, ed, dsaHash },
    ]) {
      const opening = lying({ bundle: alice.bundle, header }, mallory, bob);
      refuses('BUNDLE_MISMATCH', () => accept(node, bob.keys, opening, NOW));
    }
  });

  test("Mallory's own bundle under a header that gives one of the keys as Alice's", () => {
    const [alice, mallory, bob] = [new Party(), new Party(), new Party()];
    const { ed, dsaHash } = alice.verified();
    for (const header of [{ ed }, { dsaHash }]) {
      const opening = lying({ bundle: mallory.bundle, header }, mallory, bob);
      refuses('BUNDLE_MISMATCH', () => accept(node, bob.keys, opening, NOW));
    }
  });

  test('another bundle in a repeated opening, and an opening without its header', () => {
    const [alice, bob, mallory] = [new Party(), new Party(), new Party()];
    const first = contactTo(alice, bob.verified());
    const { contact } = receiveOpening(node, bob.keys, NO_SESSIONS, first.opening, noneOf, NOW);
    const body = concat(mallory.bundle, utf8('x'));
    const { message } = encrypt(node, first.session, body, OPENING_MESSAGE_BYTES);
    const opening = readOpening(nodeProvider, concat(first.opening.headerBytes, message));
    refuses('BUNDLE_MISMATCH', () => receiveOpening(node, bob.keys, contact, opening, noneOf, NOW));
    assert.throws(() => receiveMessage(node, contact, message, noneOf, NOW), MalformedError);
  });

  test('a forged bundle that the header names', () => {
    const [mallory, bob] = [new Party(), new Party()];
    const bundle = mallory.bundle.slice();
    bundle[5_000] = (bundle[5_000] as number) ^ 1;
    const bundleHash = nodeProvider.sha256(utf8('kith/1/bundle/hash'), bundle);
    const opening = lying({ bundle, header: { bundleHash } }, mallory, bob);
    refuses('BUNDLE_FORGED', () => accept(node, bob.keys, opening, NOW));
  });

  test('an old bundle: good while mail may lie, then refused', () => {
    const [alice, bob] = [new Party(), new Party()];
    bob.prekeys = [generatePrekeys(node, bob.identity, [], NOW + 20 * DAY)];
    const now = NOW + 20 * DAY;
    const { opening } = contactTo(alice, bob.verified(now), undefined, { now });
    accept(node, bob.keys, opening, NOW + 44 * DAY - 1);
    refuses('BUNDLE_EXPIRED', () => accept(node, bob.keys, opening, NOW + 44 * DAY));
  });

  test("a session to an old bundle of Bob's is another than one to the new", () => {
    const [alice, bob] = [new Party(), new Party()];
    const old = bob.newest;
    const { opening } = contactTo(alice, bob.verified());
    bob.prekeys = [generatePrekeys(node, bob.identity, [old], NOW), old];
    const moved = withHeader(opening, { prekeyId: bob.newest.id });
    refuses('NOT_FOR_THIS_SESSION', () => accept(node, bob.keys, moved, NOW));
    accept(node, bob.keys, opening, NOW);
  });
});

describe('oneself', () => {
  test('the own fingerprint is refused on both sides', () => {
    const alice = new Party();
    refuses('OWN_FINGERPRINT', () => contactTo(alice, alice.verified()));
    const twin = new Party(alice.secrets);
    const agreed = alice.identity.device.agree(alice.verified().spk);
    const { opening } = forge({
      claimed: twin.verified(),
      agreed,
      peer: alice.verified(),
      bundle: twin.bundle,
    });
    refuses('OWN_FINGERPRINT', () => accept(node, alice.keys, opening, NOW));
  });
});

describe('points and ciphertexts without contribution', () => {
  test('small-order keys in the header are refused before anything is derived', () => {
    const [alice, bob] = [new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    const zero = new Uint8Array(32);
    for (const change of [{ device: zero }, { ephemeral: zero }]) {
      assert.throws(() => accept(node, bob.keys, withHeader(opening, change), NOW), {
        code: 'CRYPTO_REFUSED',
      });
    }
  });

  test('small-order keys in a signed bundle are refused by the initiator', () => {
    const [alice, bob] = [new Party(), new Party()];
    const bytes = signBundle(bob.identity, { ...bob.verified(), spk: new Uint8Array(32) });
    const bundle = verifyBundle(nodeProvider, bytes, NOW);
    assert.throws(() => contactTo(alice, bundle), { code: 'CRYPTO_REFUSED' });
  });

  test('an answer key that ML-KEM refuses makes the first contact fail', () => {
    const [mallory, bob] = [new Party(), new Party()];
    const answer = new Uint8Array(1_184).fill(0xff);
    const bundle = signBundle(mallory.identity, { ...mallory.verified(), answer });
    const bundleHash = nodeProvider.sha256(utf8('kith/1/bundle/hash'), bundle);
    const agreed = mallory.identity.device.agree(bob.verified().spk);
    const { opening } = forge({
      claimed: mallory.verified(),
      agreed,
      peer: bob.verified(),
      bundle,
      header: { bundleHash },
    });
    assert.throws(() => accept(node, bob.keys, opening, NOW), { code: 'CRYPTO_REFUSED' });
  });
});
