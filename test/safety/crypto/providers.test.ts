/** Both providers on published results of their small parts, and on wrong lengths. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex, utf8 } from '../../../src/safety/bytes.ts';
import { CryptoError } from '../../../src/safety/crypto/provider.ts';
import { kems, none, providers, random } from './both.ts';

for (const [name, provider] of providers) {
  describe(`${name} provider`, () => {
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

    test('hashes, HMAC and HKDF over parts give the published results', () => {
      assert.equal(
        toHex(provider.sha256(utf8('a'), utf8('bc'))),
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
      assert.equal(
        toHex(provider.hmacSha256(utf8('Jefe'), utf8('what do ya want '), utf8('for nothing?'))),
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      );
      assert.equal(
        toHex(provider.sha384(utf8('ab'), utf8('c'))),
        'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
      );
      // RFC 5869 test case 3: neither salt nor info
      assert.equal(
        toHex(provider.hkdfSha256(fromHex('0b'.repeat(22)), none, none, 42)),
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
      );
    });

    test('refuses own bytes of a wrong length', () => {
      for (const [size, use] of [
        [32, (bytes) => provider.x25519.keyPair(bytes)],
        [64, (bytes) => provider.mlKem768.keyPair(bytes)],
        [64, (bytes) => provider.mlKem1024.keyPair(bytes)],
        [32, (bytes) => provider.xWing.keyPair(bytes)],
        [32, (bytes) => provider.ed25519.publicKey(bytes)],
        [32, (bytes) => provider.ed25519.signer(bytes)],
        [32, (bytes) => provider.mlDsa65.keyPair(bytes)],
        [32, (bytes) => provider.aes256Gcm.seal(bytes, random(12), none, none)],
        [12, (bytes) => provider.aes256Gcm.open(random(32), bytes, none, random(16))],
        [32, (bytes) => provider.chaCha20Poly1305.open(bytes, random(12), none, random(16))],
      ] as [number, (bytes: Uint8Array) => unknown][]) {
        for (const wrong of [0, 1, size - 1, size + 1, 2 * size]) {
          assert.throws(() => use(random(wrong)), RangeError, `${use.toString()} ${wrong}`);
        }
      }
      for (const length of [-1, 0, 8161, 1.5, Number.NaN]) {
        assert.throws(() => provider.hkdfSha256(random(32), none, none, length), RangeError);
      }
      assert.throws(() => provider.hkdfSha256(random(32), none, random(1025), 32), RangeError);
      assert.throws(() => provider.mlDsa65.keyPair(random(32)).sign(none, random(256)), RangeError);
      assert.throws(() => provider.mlDsa65.keyPair(random(32)).sign(none, none, random(31)), RangeError);
      for (const [kem, publicKeySize] of kems(provider)) {
        assert.throws(() => kem.encapsulate(random(publicKeySize), random(31)), RangeError);
      }
    });

    test('refuses bytes of the peer of a wrong length with a typed error', () => {
      const agree = (bytes: Uint8Array): unknown => provider.x25519.keyPair(random(32)).agree(bytes);
      for (const wrong of [0, 31, 33, 64]) assert.throws(() => agree(random(wrong)), CryptoError);
      for (const [kem, publicKeySize, ciphertextSize, seedSize] of kems(provider)) {
        const pair = kem.keyPair(random(seedSize));
        assert.equal(pair.publicKey.length, publicKeySize);
        for (const off of [-publicKeySize, -32, -1, 1, 32]) {
          assert.throws(() => kem.encapsulate(random(publicKeySize + off)), CryptoError);
        }
        for (const off of [-ciphertextSize, -32, -1, 1, 32]) {
          assert.throws(() => pair.decapsulate(random(ciphertextSize + off)), CryptoError);
        }
      }
    });

    test('verification says false to whatever is wrong', () => {
      for (const [key, signature] of [
        [0, 64],
        [31, 64],
        [33, 64],
        [32, 0],
        [32, 63],
        [32, 65],
        [32, 64],
      ] as const) {
        assert.equal(provider.ed25519.verify(random(key), none, random(signature)), false);
      }
      const { publicKey, sign } = provider.mlDsa65.keyPair(random(32));
      const [message, context] = [random(50), random(255)];
      const good = sign(message, context);
      const { verify } = provider.mlDsa65;
      assert.equal(good.length, 3309);
      assert.equal(verify(publicKey, message, good, context), true);
      assert.equal(verify(publicKey, message, good, context.subarray(1)), false);
      assert.equal(verify(publicKey, message, good, concat(context, none, random(1))), false);
      assert.equal(verify(publicKey, message.subarray(1), good, context), false);
      for (const signature of [none, good.subarray(1), concat(good, random(1)), random(3309)]) {
        assert.equal(verify(publicKey, message, signature, context), false);
      }
      for (const key of [none, publicKey.subarray(1), concat(publicKey, random(1)), random(1952)]) {
        assert.equal(verify(key, message, good, context), false);
      }
      // one more than the longest: the length byte of FIPS 204 would be 0, as if there were no context
      assert.equal(verify(publicKey, message, sign(message, none), random(256)), false);
    });

    test('keeps working after the caller wiped the secrets it passed', () => {
      const made = (size: number): Uint8Array[] => [random(size), randomBytes(size)];
      for (const seed of made(32)) {
        const signer = provider.ed25519.signer(seed);
        const pair = provider.x25519.keyPair(seed);
        const mlDsa = provider.mlDsa65.keyPair(seed);
        const peer = provider.x25519.keyPair(random(32));
        seed.fill(0);
        assert.ok(provider.ed25519.verify(signer.publicKey, utf8('m'), signer.sign(utf8('m'))));
        assert.deepEqual(toHex(pair.agree(peer.publicKey)), toHex(peer.agree(pair.publicKey)));
        assert.ok(provider.mlDsa65.verify(mlDsa.publicKey, utf8('m'), mlDsa.sign(utf8('m'), none), none));
      }
      for (const [kem, , , seedSize] of kems(provider)) {
        for (const seed of made(seedSize)) {
          const pair = kem.keyPair(seed);
          seed.fill(0);
          const { ciphertext, sharedSecret } = kem.encapsulate(pair.publicKey);
          assert.equal(toHex(pair.decapsulate(ciphertext)), toHex(sharedSecret));
        }
      }
    });
  });
}
