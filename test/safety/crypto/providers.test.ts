/** Both providers against published vectors and against each other. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { fromHex, toHex, utf8 } from '../../../src/safety/bytes.ts';
import {
  ED25519_KEY,
  importPublic,
  importSecret,
  ML_KEM_768_KEY,
  publicBytes,
  X25519_KEY,
} from '../../../src/safety/crypto/key-format.ts';
import { nobleProvider } from '../../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { CryptoError, type Provider } from '../../../src/safety/crypto/provider.ts';
import { bytesOf, vectorsMissing, wycheproof } from './vectors.ts';

const providers: readonly (readonly [string, Provider])[] = [
  ['node', nodeProvider],
  ['noble', nobleProvider],
];
const none = new Uint8Array(0);
const random = (size: number): Uint8Array => Uint8Array.from(randomBytes(size));

/** Throws what the provider says about a ML-KEM public key of any length, wrong lengths included. */
function accepts(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof CryptoError || error instanceof RangeError) return false;
    throw error;
  }
}

for (const [name, provider] of providers) {
  describe(`${name} provider`, () => {
    test('ML-KEM-768 decapsulation follows Wycheproof', { skip: vectorsMissing }, () => {
      let checked = 0;
      for (const { tests } of wycheproof('mlkem_768_test')) {
        for (const vector of tests) {
          const ok = accepts(() => {
            const pair = provider.mlKem768.keyPair(bytesOf(vector, 'seed'));
            assert.equal(toHex(pair.publicKey), vector['ek'], `tcId ${vector.tcId}`);
            assert.equal(toHex(pair.decapsulate(bytesOf(vector, 'c'))), vector['K'], `tcId ${vector.tcId}`);
          });
          assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
          checked++;
        }
      }
      assert.ok(checked > 100);
    });

    test('ML-KEM-768 key generation follows Wycheproof', { skip: vectorsMissing }, () => {
      for (const { tests } of wycheproof('mlkem_768_keygen_seed_test')) {
        for (const vector of tests) {
          const { publicKey } = provider.mlKem768.keyPair(bytesOf(vector, 'seed'));
          assert.equal(toHex(publicKey), vector['ek'], `tcId ${vector.tcId}`);
        }
      }
    });

    test('ML-KEM-768 public keys follow Wycheproof', { skip: vectorsMissing }, () => {
      let refused = 0;
      for (const { tests } of wycheproof('mlkem_768_encaps_test')) {
        for (const vector of tests) {
          const ok = accepts(() => provider.mlKem768.encapsulate(bytesOf(vector, 'ek')));
          assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
          if (!ok) refused++;
        }
      }
      assert.ok(refused > 50);
    });

    test('X25519 follows Wycheproof and refuses the all-zero result', { skip: vectorsMissing }, () => {
      let zero = 0;
      for (const { tests } of wycheproof('x25519_test')) {
        for (const vector of tests) {
          const pair = provider.x25519.keyPair(bytesOf(vector, 'private'));
          const agree = (): Uint8Array => pair.agree(bytesOf(vector, 'public'));
          if (/^0{64}$/.test(String(vector['shared']))) {
            assert.throws(agree, CryptoError, `tcId ${vector.tcId}`);
            zero++;
          } else {
            assert.equal(toHex(agree()), vector['shared'], `tcId ${vector.tcId}`);
          }
        }
      }
      assert.ok(zero > 10);
    });

    test('Ed25519 follows Wycheproof', { skip: vectorsMissing }, () => {
      let checked = 0;
      for (const group of wycheproof('ed25519_test')) {
        const publicKey = fromHex(group.publicKey?.pk ?? '');
        for (const vector of group.tests) {
          const ok = provider.ed25519.verify(publicKey, bytesOf(vector, 'msg'), bytesOf(vector, 'sig'));
          assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
          checked++;
        }
      }
      assert.ok(checked > 100);
    });

    test('ChaCha20-Poly1305 gives the RFC 8439 section 2.8.2 result', () => {
      const key = fromHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
      const nonce = fromHex('070000004041424344454647');
      const aad = fromHex('50515253c0c1c2c3c4c5c6c7');
      const text = utf8(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      );
      const sealed = provider.chaCha20Poly1305.seal(key, nonce, aad, text.subarray(0, 9), text.subarray(9));
      assert.equal(toHex(sealed.subarray(0, 16)), 'd31a8d34648e60db7b86afbc53ef7ec2');
      assert.equal(toHex(sealed.subarray(114)), '1ae10b594f09e26a7e902ecbd0600691');
      assert.deepEqual(Uint8Array.from(provider.chaCha20Poly1305.open(key, nonce, aad, sealed)), text);
      for (const at of [0, 50, sealed.length - 1]) {
        const changed = sealed.slice();
        changed[at] = (changed[at] as number) ^ 1;
        assert.throws(() => provider.chaCha20Poly1305.open(key, nonce, aad, changed), CryptoError);
      }
      assert.throws(() => provider.chaCha20Poly1305.open(key, nonce, none, sealed), CryptoError);
      assert.throws(
        () => provider.chaCha20Poly1305.open(key, nonce, aad, sealed.subarray(0, 15)),
        CryptoError,
      );
      assert.throws(
        () => provider.chaCha20Poly1305.open(key, nonce, aad, sealed.subarray(0, 113)),
        CryptoError,
      );
    });

    test('AES-256-GCM gives the results of McGrew and Viega, test cases 14 and 16', () => {
      const zeros = new Uint8Array(32);
      const sealed = provider.aes256Gcm.seal(zeros, zeros.subarray(20), none, zeros.subarray(16));
      assert.equal(toHex(sealed), 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919');
      const key = fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308');
      const nonce = fromHex('cafebabefacedbaddecaf888');
      const aad = fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2');
      const text = fromHex(
        'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
      );
      const other = provider.aes256Gcm.seal(key, nonce, aad, text.subarray(0, 7), text.subarray(7));
      assert.equal(toHex(other.subarray(0, 8)), '522dc1f099567d07');
      assert.equal(toHex(other.subarray(60)), '76fc6ece0f4e1768cddf8853bb2d551b');
      assert.deepEqual(Uint8Array.from(provider.aes256Gcm.open(key, nonce, aad, other)), text);
      // forced to 16 bytes: a shorter tag would be guessed sooner
      for (const length of [0, 15, 64, 75]) {
        const short = other.subarray(0, length);
        assert.throws(() => provider.aes256Gcm.open(key, nonce, aad, short), CryptoError);
      }
      assert.throws(() => provider.aes256Gcm.open(key, nonce, none, other), CryptoError);
      assert.throws(() => provider.aes256Gcm.seal(key.subarray(16), nonce, none, text), RangeError);
      assert.throws(() => provider.aes256Gcm.seal(key, aad, none, text), RangeError);
    });

    test('SHA-256 and HMAC-SHA256 over parts give the published results', () => {
      assert.equal(
        toHex(provider.sha256(utf8('a'), utf8('bc'))),
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
      assert.equal(
        toHex(provider.hmacSha256(utf8('Jefe'), utf8('what do ya want '), utf8('for nothing?'))),
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      );
    });

    test('refuses wrong lengths that only a caller can cause', () => {
      assert.throws(() => provider.x25519.keyPair(random(31)), RangeError);
      assert.throws(() => provider.x25519.keyPair(random(32)).agree(random(33)), RangeError);
      assert.throws(() => provider.mlKem768.keyPair(random(32)), RangeError);
      assert.throws(() => provider.mlKem768.encapsulate(random(1183)), RangeError);
      assert.throws(() => provider.ed25519.publicKey(random(33)), RangeError);
      assert.throws(() => provider.ed25519.signer(random(31)), RangeError);
      assert.equal(provider.ed25519.verify(random(31), none, random(64)), false);
      assert.equal(provider.ed25519.verify(random(32), none, random(63)), false);
    });

    test('keeps working after the caller wiped the secrets it passed', () => {
      const [seed, secret, kemSeed] = [random(32), random(32), random(64)];
      const signer = provider.ed25519.signer(seed);
      const pair = provider.x25519.keyPair(secret);
      const kem = provider.mlKem768.keyPair(kemSeed);
      const peer = provider.x25519.keyPair(random(32));
      for (const bytes of [seed, secret, kemSeed]) bytes.fill(0);
      assert.ok(provider.ed25519.verify(signer.publicKey, utf8('m'), signer.sign(utf8('m'))));
      assert.deepEqual(toHex(pair.agree(peer.publicKey)), toHex(peer.agree(pair.publicKey)));
      const { ciphertext, sharedSecret } = provider.mlKem768.encapsulate(kem.publicKey);
      assert.equal(toHex(kem.decapsulate(ciphertext)), toHex(sharedSecret));
    });
  });
}

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
          signer.publicKey,
          p.ed25519.publicKey(secret),
          signer.sign(message),
          p.chaCha20Poly1305.seal(secret, peer.subarray(0, 12), message, message),
          p.aes256Gcm.seal(secret, peer.subarray(0, 12), message, message),
          p.sha256(message),
          p.hmacSha256(secret, message),
        ].map(toHex);
      }) as [string[], string[]];
      assert.deepEqual(ours, theirs);
    }
  });

  test('decapsulate what the other encapsulated, implicit rejection included', () => {
    for (let i = 0; i < 6; i++) {
      const seed = random(64);
      const [fromNode, fromNoble] = [
        nodeProvider.mlKem768.keyPair(seed),
        nobleProvider.mlKem768.keyPair(seed),
      ];
      for (const [, p] of providers) {
        const { ciphertext, sharedSecret } = p.mlKem768.encapsulate(fromNode.publicKey);
        assert.equal(toHex(fromNode.decapsulate(ciphertext)), toHex(sharedSecret));
        assert.equal(toHex(fromNoble.decapsulate(ciphertext)), toHex(sharedSecret));
      }
      const forged = random(1088);
      assert.equal(toHex(fromNode.decapsulate(forged)), toHex(fromNoble.decapsulate(forged)));
    }
  });

  test('only noble takes coins, and takes them as FIPS 203 says', { skip: vectorsMissing }, () => {
    for (const { tests } of wycheproof('mlkem_768_encaps_test')) {
      for (const vector of tests.filter(({ result }) => result === 'valid').slice(0, 20)) {
        const coins = bytesOf(vector, 'm');
        const { ciphertext, sharedSecret } = nobleProvider.mlKem768.encapsulate(bytesOf(vector, 'ek'), coins);
        assert.equal(toHex(ciphertext), vector['c']);
        assert.equal(toHex(sharedSecret), vector['K']);
        assert.throws(
          () => nodeProvider.mlKem768.encapsulate(bytesOf(vector, 'ek'), coins),
          /noble provider/,
        );
      }
    }
  });
});

test('raw and DER key formats give the same keys', () => {
  for (const [type, size] of [
    [X25519_KEY, 32],
    [ED25519_KEY, 32],
    [ML_KEM_768_KEY, 64],
  ] as const) {
    const secret = random(size);
    const fromDer = publicBytes(type, importSecret(type, secret, false), false);
    assert.equal(toHex(publicBytes(type, importSecret(type, secret))), toHex(fromDer));
    assert.ok(importPublic(type, fromDer, false).equals(importPublic(type, fromDer)));
  }
});
