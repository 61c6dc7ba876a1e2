/**
 * Both providers on the files of C2SP Wycheproof. What only one of them can do (given coins, deterministic
 * signatures) the noble provider does, and node:crypto is checked on the same vectors by what it can do.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../src/safety/bytes.ts';
import { CryptoError } from '../../../src/safety/crypto/provider.ts';
import { providers } from './both.ts';
import { accepts, bytesOf, Tally, vectorsMissing, wycheproof } from './vectors.ts';

const options = { skip: vectorsMissing };

for (const [name, provider] of providers) {
  const coins = name === 'noble';

  describe(`${name} provider, Wycheproof`, options, () => {
    for (const [size, kem] of [
      ['768', provider.mlKem768],
      ['1024', provider.mlKem1024],
    ] as const) {
      test(`ML-KEM-${size} decapsulation`, (t) => {
        const tally = new Tally();
        for (const { tests } of wycheproof(`mlkem_${size}_test`)) {
          for (const vector of tests) {
            const ok = accepts(() => {
              const pair = kem.keyPair(bytesOf(vector, 'seed'));
              assert.equal(toHex(pair.publicKey), vector['ek'], `tcId ${vector.tcId}`);
              assert.equal(toHex(pair.decapsulate(bytesOf(vector, 'c'))), vector['K'], `tcId ${vector.tcId}`);
            });
            assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
            tally.ran();
          }
        }
        assert.ok(tally.report(t) > 150);
      });

      test(`ML-KEM-${size} key generation`, (t) => {
        const tally = new Tally();
        for (const { tests } of wycheproof(`mlkem_${size}_keygen_seed_test`)) {
          for (const vector of tests) {
            const { publicKey } = kem.keyPair(bytesOf(vector, 'seed'));
            assert.equal(toHex(publicKey), vector['ek'], `tcId ${vector.tcId}`);
            tally.ran();
          }
        }
        assert.equal(tally.report(t), 100);
      });

      test(`ML-KEM-${size} encapsulation`, (t) => {
        const tally = new Tally();
        let refused = 0;
        for (const { tests } of wycheproof(`mlkem_${size}_encaps_test`)) {
          for (const vector of tests) {
            const ok = accepts(() => {
              const made = kem.encapsulate(bytesOf(vector, 'ek'), ...(coins ? [bytesOf(vector, 'm')] : []));
              if (!coins) return;
              assert.equal(toHex(made.ciphertext), vector['c'], `tcId ${vector.tcId}`);
              assert.equal(toHex(made.sharedSecret), vector['K'], `tcId ${vector.tcId}`);
            });
            assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
            tally.ran();
            if (!ok) refused++;
            else if (!coins) tally.inPart('ciphertext and secret not compared: no coins can be given');
          }
        }
        assert.ok(refused > 130, `${refused}`);
        assert.ok(tally.report(t) > 260);
      });
    }

    test('X25519, refusing the all-zero result', (t) => {
      const tally = new Tally();
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
          tally.ran();
        }
      }
      assert.ok(zero > 10);
      tally.report(t);
    });

    test('Ed25519', (t) => {
      const tally = new Tally();
      for (const { publicKey, tests } of wycheproof('ed25519_test')) {
        const key = bytesOf(publicKey as Record<string, unknown>, 'pk');
        for (const vector of tests) {
          const ok = provider.ed25519.verify(key, bytesOf(vector, 'msg'), bytesOf(vector, 'sig'));
          assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
          tally.ran();
        }
      }
      assert.ok(tally.report(t) > 100);
    });

    test('AES-256-GCM', (t) => {
      const tally = new Tally();
      for (const { keySize, tests } of wycheproof('aes_gcm_test')) {
        for (const vector of tests) {
          const [key, nonce] = [bytesOf(vector, 'key'), bytesOf(vector, 'iv')];
          const [aad, message] = [bytesOf(vector, 'aad'), bytesOf(vector, 'msg')];
          const sealed = Buffer.concat([bytesOf(vector, 'ct'), bytesOf(vector, 'tag')]);
          const open = (): Uint8Array => provider.aes256Gcm.open(key, nonce, aad, sealed);
          if (key.length !== 32 || nonce.length !== 12) {
            // refused before any cipher sees them: so they are run as refusals
            assert.throws(open, RangeError, `tcId ${vector.tcId}`);
            assert.throws(() => provider.aes256Gcm.seal(key, nonce, aad, message), RangeError);
            tally.skipped(
              key.length !== 32
                ? `AES-${String(keySize)} is not used: keys are refused`
                : 'nonces other than 12 bytes are refused',
            );
            continue;
          }
          tally.ran();
          if (vector.result !== 'valid') {
            assert.throws(open, CryptoError, `tcId ${vector.tcId}`);
            continue;
          }
          assert.equal(toHex(open()), vector['msg'], `tcId ${vector.tcId}`);
          const made = provider.aes256Gcm.seal(key, nonce, aad, message);
          assert.equal(toHex(made), sealed.toString('hex'), `tcId ${vector.tcId}`);
          for (const shorter of [0, 4, 12, 15]) {
            const cut = sealed.subarray(0, sealed.length - 16 + shorter);
            assert.throws(() => provider.aes256Gcm.open(key, nonce, aad, cut), CryptoError);
          }
        }
      }
      assert.ok(tally.report(t) >= 66);
    });

    test('HKDF-SHA256', (t) => {
      const tally = new Tally();
      for (const { tests } of wycheproof('hkdf_sha256_test')) {
        for (const vector of tests) {
          const [ikm, salt, info] = ['ikm', 'salt', 'info'].map((field) => bytesOf(vector, field)) as [
            Uint8Array,
            Uint8Array,
            Uint8Array,
          ];
          const ok = accepts(() => {
            const okm = provider.hkdfSha256(ikm, salt, info, Number(vector['size']));
            assert.equal(toHex(okm), vector['okm'], `tcId ${vector.tcId}`);
          });
          assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
          tally.ran();
        }
      }
      assert.equal(tally.report(t), 86);
    });

    test('ML-DSA-65 verification', (t) => {
      const tally = new Tally();
      for (const { publicKey, tests } of wycheproof('mldsa_65_verify_test')) {
        const key = bytesOf({ publicKey }, 'publicKey');
        for (const vector of tests) {
          const ok = provider.mlDsa65.verify(
            key,
            bytesOf(vector, 'msg'),
            bytesOf(vector, 'sig'),
            bytesOf(vector, 'ctx'),
          );
          assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
          tally.ran();
        }
      }
      assert.ok(tally.report(t) >= 210);
    });

    test('ML-DSA-65 signing from a seed', (t) => {
      const tally = new Tally();
      for (const { privateSeed, publicKey, tests } of wycheproof('mldsa_65_sign_seed_test')) {
        const seed = bytesOf({ privateSeed }, 'privateSeed');
        for (const vector of tests) {
          if (vector['msg'] === undefined) {
            tally.skipped('only mu is given: external mu is not part of the interface');
            continue;
          }
          const [message, context] = [bytesOf(vector, 'msg'), bytesOf(vector, 'ctx')];
          const randomness = vector['rnd'] === undefined ? new Uint8Array(32) : bytesOf(vector, 'rnd');
          const ok = accepts(() => {
            const pair = provider.mlDsa65.keyPair(seed);
            assert.equal(toHex(pair.publicKey), publicKey, `tcId ${vector.tcId}`);
            if (coins) {
              const made = pair.sign(message, context, randomness);
              assert.equal(toHex(made), vector['sig'], `tcId ${vector.tcId}`);
              return;
            }
            const made = pair.sign(message, context);
            assert.ok(provider.mlDsa65.verify(pair.publicKey, message, made, context));
            assert.ok(
              provider.mlDsa65.verify(pair.publicKey, message, bytesOf(vector, 'sig'), context),
              `tcId ${vector.tcId}`,
            );
            tally.inPart('own signature not compared, only verified: no randomness can be given');
          });
          assert.equal(ok, vector.result === 'valid', `tcId ${vector.tcId}`);
          tally.ran();
        }
      }
      assert.ok(tally.report(t) >= 88);
    });
  });
}
