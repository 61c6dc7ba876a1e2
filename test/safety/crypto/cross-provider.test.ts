/** The two providers against each other, on random inputs: whatever one makes, the other takes. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../src/safety/bytes.ts';
import { nobleProvider } from '../../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { type KemOf, kems, none, providers, random } from './both.ts';

describe('the providers against each other', () => {
  test('give the same keys, secrets, signatures and ciphertexts', () => {
    for (let i = 0; i < 12; i++) {
      const [secret, peer, seed, message] = [random(32), random(32), random(64), random(i * 7)];
      const [ours, theirs] = providers.map(([, p]) => {
        const signer = p.ed25519.signer(secret);
        return [
          p.x25519.keyPair(secret).publicKey,
          p.x25519.keyPair(secret).agree(p.x25519.keyPair(peer).publicKey),
          p.mlKem768.keyPair(seed).publicKey,
          p.mlKem1024.keyPair(seed).publicKey,
          p.xWing.keyPair(secret).publicKey,
          p.mlDsa65.keyPair(secret).publicKey,
          signer.publicKey,
          p.ed25519.publicKey(secret),
          signer.sign(message),
          p.chaCha20Poly1305.seal(secret, peer.subarray(0, 12), message, message),
          p.aes256Gcm.seal(secret, peer.subarray(0, 12), message, message),
          p.sha256(message, peer),
          p.sha384(message, peer),
          p.hmacSha256(secret, message),
          p.hkdfSha256(secret, message, peer, 1 + i * 31),
        ].map(toHex);
      }) as [string[], string[]];
      assert.deepEqual(ours, theirs);
    }
  });

  test('decapsulate what the other encapsulated, implicit rejection included', () => {
    for (const [i, [fromNode, , ciphertextSize, seedSize]] of kems(nodeProvider).entries()) {
      const fromNoble = (kems(nobleProvider)[i] as KemOf)[0];
      for (let n = 0; n < 6; n++) {
        const seed = random(seedSize);
        const [ours, theirs] = [fromNode.keyPair(seed), fromNoble.keyPair(seed)];
        for (const kem of [fromNode, fromNoble]) {
          const { ciphertext, sharedSecret } = kem.encapsulate(ours.publicKey);
          assert.equal(toHex(ours.decapsulate(ciphertext)), toHex(sharedSecret));
          assert.equal(toHex(theirs.decapsulate(ciphertext)), toHex(sharedSecret));
        }
        const forged = random(ciphertextSize);
        assert.equal(toHex(ours.decapsulate(forged)), toHex(theirs.decapsulate(forged)));
      }
    }
  });

  test('verify what the other signed, and refuse the same changes', () => {
    for (let i = 0; i < 4; i++) {
      const [seed, message, context] = [random(32), random(100 * i), random(85 * i)];
      const pairs = providers.map(([, p]) => p.mlDsa65.keyPair(seed));
      for (const { publicKey, sign } of pairs) {
        const good = sign(message, context);
        for (const [, { mlDsa65 }] of providers) {
          assert.ok(mlDsa65.verify(publicKey, message, good, context));
          assert.notEqual(toHex(sign(message, context)), toHex(good), 'signing is hedged');
          // in the challenge, in the response and in the hints at the end
          for (const at of [0, 47, 48, 2000, 3247, 3248, 3303, 3308]) {
            const changed = good.slice();
            changed[at] = (changed[at] as number) ^ 1;
            assert.equal(mlDsa65.verify(publicKey, message, changed, context), false, `byte ${at}`);
          }
        }
      }
    }
  });

  test('only noble takes coins and randomness', () => {
    for (const [kem, publicKeySize] of kems(nodeProvider)) {
      const coins = random(publicKeySize === 1216 ? 64 : 32);
      const { publicKey } = kem.keyPair(random(publicKeySize === 1216 ? 32 : 64));
      assert.throws(() => kem.encapsulate(publicKey, coins), /noble provider/);
    }
    const signer = nodeProvider.mlDsa65.keyPair(random(32));
    assert.throws(() => signer.sign(none, none, random(32)), /noble provider/);
    const deterministic = nobleProvider.mlDsa65.keyPair(random(32));
    const [once, again] = [1, 2].map(() => deterministic.sign(none, none, new Uint8Array(32)));
    assert.deepEqual(once, again);
  });
});
