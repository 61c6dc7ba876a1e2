/** X-Wing of both providers on the draft's vectors, and the points where implementations could differ. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex } from '../../../src/safety/bytes.ts';
import { nobleProvider } from '../../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { CryptoError, type Kem } from '../../../src/safety/crypto/provider.ts';
import { xWing } from '../../../src/safety/crypto/x-wing.ts';
import { bytesOf, Tally, type Vector, vectorFile, vectorsMissing } from './vectors.ts';

/** The composition over noble's parts is the only one of ours that takes coins. */
const composed = xWing(nobleProvider.x25519, nobleProvider.mlKem768);
const implementations: readonly (readonly [string, Kem, boolean])[] = [
  ['node', nodeProvider.xWing, false],
  ['noble', nobleProvider.xWing, true],
  ['the composition over noble', composed, true],
];

for (const [name, kem, coins] of implementations) {
  describe(`X-Wing of ${name}`, () => {
    test('follows the vectors of the draft', { skip: vectorsMissing }, (t) => {
      const tally = new Tally();
      for (const vector of vectorFile('xwing/test-vectors.json') as readonly Vector[]) {
        const pair = kem.keyPair(bytesOf(vector, 'seed'));
        assert.equal(toHex(pair.publicKey), vector['pk']);
        assert.equal(toHex(pair.decapsulate(bytesOf(vector, 'ct'))), vector['ss']);
        tally.ran();
        if (coins) {
          const made = kem.encapsulate(pair.publicKey, bytesOf(vector, 'eseed'));
          assert.equal(toHex(made.ciphertext), vector['ct']);
          assert.equal(toHex(made.sharedSecret), vector['ss']);
        } else {
          const made = kem.encapsulate(pair.publicKey);
          assert.equal(toHex(pair.decapsulate(made.ciphertext)), toHex(made.sharedSecret));
          tally.inPart('ciphertext not compared: no coins can be given');
        }
      }
      assert.equal(tally.report(t), 3);
    });

    test('refuses X25519 points of small order and ML-KEM keys that fail the modulus check', () => {
      const pair = kem.keyPair(Uint8Array.from(randomBytes(32)));
      const { ciphertext } = kem.encapsulate(pair.publicKey);
      for (const point of [
        '00'.repeat(32),
        `01${'00'.repeat(31)}`,
        'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
        '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
        `ec${'ff'.repeat(30)}7f`,
        `ed${'ff'.repeat(30)}7f`,
        `ee${'ff'.repeat(30)}7f`,
      ]) {
        const [key, forged] = [pair.publicKey.slice(), ciphertext.slice()];
        key.set(fromHex(point), 1184);
        forged.set(fromHex(point), 1088);
        assert.throws(() => kem.encapsulate(key), CryptoError, point);
        assert.throws(() => pair.decapsulate(forged), CryptoError, point);
      }
      const overflowing = pair.publicKey.slice();
      overflowing.set(fromHex('ffffff'));
      assert.throws(() => kem.encapsulate(overflowing), CryptoError);
    });

    test('gives another secret when either half of the ciphertext was changed', () => {
      const pair = kem.keyPair(new Uint8Array(32).fill(7));
      const { ciphertext, sharedSecret } = kem.encapsulate(pair.publicKey);
      const seen = new Set([toHex(sharedSecret)]);
      for (const at of [0, 1087, 1088, 1118]) {
        const changed = ciphertext.slice();
        changed[at] = (changed[at] as number) ^ 1;
        seen.add(toHex(pair.decapsulate(changed)));
      }
      assert.equal(seen.size, 5);
    });
  });
}

test('all three give the same secret for the same forged ciphertext', () => {
  const seed = Uint8Array.from(randomBytes(32));
  for (let i = 0; i < 8; i++) {
    const { publicKey } = nodeProvider.x25519.keyPair(Uint8Array.from(randomBytes(32)));
    const forged = concat(Uint8Array.from(randomBytes(1088)), publicKey);
    // the top bit of a u-coordinate is ignored (RFC 7748), but the combiner hashes it as it came
    if (i % 2 === 1) forged[1119] = (forged[1119] as number) | 0x80;
    const secrets = implementations.map(([, kem]) => toHex(kem.keyPair(seed).decapsulate(forged)));
    assert.equal(new Set(secrets).size, 1);
  }
});
