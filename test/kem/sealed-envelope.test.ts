/** SE1: one size, one recipient, retained inbox keys, and every changed byte refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededNumbers } from '../../fuzz/mutate.ts';
import { HPKE_ENC_BYTES, hpkeOpen } from '../../src/kem/hpke.ts';
import {
  ENVELOPE_BYTES,
  ENVELOPE_PLAINTEXT_BYTES,
  openEnvelope,
  sealEnvelope,
} from '../../src/kem/sealed-envelope.ts';
import { concat, toHex, utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { CryptoError, type KemKeyPair } from '../../src/safety/crypto/provider.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { providers, random } from '../safety/crypto/both.ts';

const fingerprint = random(48);
const seed = random(32);
const inbox = nodeProvider.xWing.keyPair(seed);
const plaintext = random(ENVELOPE_PLAINTEXT_BYTES);
const recipient = { inboxKey: inbox.publicKey, fingerprint };

test('the sizes are those of a parcel of four boxes', () => {
  assert.equal(ENVELOPE_BYTES, 16_256);
  assert.equal(ENVELOPE_PLAINTEXT_BYTES, 15_119);
});

test('either provider opens what either sealed, and no two envelopes are alike', () => {
  for (const [, sealing] of providers) {
    const [envelope, another] = [1, 2].map(() => sealEnvelope(sealing, recipient, plaintext));
    assert.ok(envelope !== undefined && another !== undefined);
    assert.equal(envelope.length, ENVELOPE_BYTES);
    assert.notEqual(toHex(envelope.subarray(1, 100)), toHex(another.subarray(1, 100)));
    for (const [, opening] of providers) {
      const opened = openEnvelope(opening, [opening.xWing.keyPair(seed)], fingerprint, envelope);
      assert.equal(toHex(opened), toHex(plaintext));
    }
  }
});

test('the format is the documented one', () => {
  const envelope = sealEnvelope(nobleProvider, recipient, plaintext, new Uint8Array(64).fill(5));
  assert.equal(envelope[0], 1);
  const { ciphertext } = inboxKem(new Uint8Array(64).fill(5));
  assert.equal(toHex(envelope.subarray(1, 1 + HPKE_ENC_BYTES)), toHex(ciphertext));
  const context = { info: concat(utf8('kith/1/se/info'), fingerprint), aad: Uint8Array.of(1) };
  const opened = hpkeOpen(nodeProvider, inbox, context, ciphertext, envelope.subarray(1 + HPKE_ENC_BYTES));
  assert.equal(toHex(opened), toHex(plaintext));
});

function inboxKem(coins: Uint8Array): { ciphertext: Uint8Array } {
  return nobleProvider.xWing.encapsulate(inbox.publicKey, coins);
}

test('opens with any retained inbox key, and with no other', () => {
  const [older, newer, stranger] = [1, 2, 3].map(() => nodeProvider.xWing.keyPair(random(32)));
  assert.ok(older !== undefined && newer !== undefined && stranger !== undefined);
  for (const target of [newer, older]) {
    const envelope = sealEnvelope(nodeProvider, { inboxKey: target.publicKey, fingerprint }, plaintext);
    const opened = openEnvelope(nodeProvider, [newer, older], fingerprint, envelope);
    assert.equal(toHex(opened), toHex(plaintext));
    assert.throws(() => openEnvelope(nodeProvider, [stranger], fingerprint, envelope), CryptoError);
    assert.throws(() => openEnvelope(nodeProvider, [], fingerprint, envelope), CryptoError);
  }
});

test('an envelope for another identity does not open, even under the same inbox key', () => {
  const envelope = sealEnvelope(nodeProvider, { ...recipient, fingerprint: random(48) }, plaintext);
  assert.throws(() => openEnvelope(nodeProvider, [inbox], fingerprint, envelope), CryptoError);
});

/** The inbox, which remembers its last answer: decapsulating again and again is what takes time in 16,256 tries. */
function rememberingInbox(): KemKeyPair {
  let last = '';
  let secret: Uint8Array = new Uint8Array(0);
  return {
    publicKey: inbox.publicKey,
    decapsulate: (ciphertext) => {
      const name = Buffer.from(ciphertext).toString('latin1');
      if (name !== last) [last, secret] = [name, inbox.decapsulate(ciphertext)];
      return secret.slice();
    },
  };
}

test('any byte changed, at every position, is a typed refusal', () => {
  const envelope = sealEnvelope(nodeProvider, recipient, plaintext);
  const inboxes = [rememberingInbox()];
  const next = seededNumbers(3);
  for (let at = 0; at < ENVELOPE_BYTES; at++) {
    const before = envelope[at] as number;
    envelope[at] = before ^ (1 + (next() % 255));
    assert.throws(
      () => openEnvelope(nodeProvider, inboxes, fingerprint, envelope),
      at === 0 ? MalformedError : CryptoError,
      `byte ${at}`,
    );
    envelope[at] = before;
  }
  assert.equal(toHex(openEnvelope(nodeProvider, inboxes, fingerprint, envelope)), toHex(plaintext));
});

test('other sizes and versions are malformed, and own mistakes are RangeErrors', () => {
  const envelope = sealEnvelope(nodeProvider, recipient, plaintext);
  const open = (bytes: Uint8Array): unknown => openEnvelope(nodeProvider, [inbox], fingerprint, bytes);
  const malformed = { name: 'MalformedError', format: 'sealed-envelope' };
  for (const size of [0, 1, 1121, 1137, ENVELOPE_BYTES - 1, ENVELOPE_BYTES + 1, 2 * ENVELOPE_BYTES]) {
    assert.throws(() => open(random(size)), malformed, `${size}`);
  }
  for (const longer of [1, 16]) assert.throws(() => open(concat(envelope, random(longer))), malformed);
  for (const shorter of [1, 16]) assert.throws(() => open(envelope.subarray(0, -shorter)), malformed);
  for (const version of [0, 2, 255]) {
    const changed = envelope.slice();
    changed[0] = version;
    assert.throws(() => open(changed), malformed, `${version}`);
  }
  assert.throws(() => sealEnvelope(nodeProvider, recipient, plaintext.subarray(1)), RangeError);
  assert.throws(() => sealEnvelope(nodeProvider, { ...recipient, fingerprint: seed }, plaintext), RangeError);
  assert.throws(() => openEnvelope(nodeProvider, [inbox], seed, envelope), RangeError);
  assert.throws(() => sealEnvelope(nodeProvider, { ...recipient, inboxKey: seed }, plaintext), CryptoError);
});
