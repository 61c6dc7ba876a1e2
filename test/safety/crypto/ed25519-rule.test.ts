/** The one Ed25519 rule: both providers agree on every edge case, and the decisions are the documented ones. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, fromHex, toHex, utf8 } from '../../../src/safety/bytes.ts';
import { isAdmissiblePoint } from '../../../src/safety/crypto/ed25519-rule.ts';
import { nobleProvider } from '../../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';

const { Point } = ed25519;
type CurvePoint = InstanceType<typeof Point>;
const L = Point.Fn.ORDER;

/** A generator of the eight points of small order, and all of them. */
const order8 = Point.fromBytes(
  fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  false,
);
const torsion: CurvePoint[] = [Point.ZERO];
for (let i = 1; i < 8; i++) torsion.push((torsion[i - 1] as CurvePoint).add(order8));

function scalar(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

function encodeScalar(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).reverse();
}

/** Both providers' verdicts, which must be one. */
function verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const ours = nodeProvider.ed25519.verify(publicKey, message, signature);
  assert.equal(nobleProvider.ed25519.verify(publicKey, message, signature), ours, 'the providers disagree');
  return ours;
}

/**
 * A signature by the key a·B + keyTorsion with nonce point r·B + nonceTorsion, and the torsion that is left over in
 * the cofactorless equation: zero exactly when it holds.
 */
function mixedSignature(
  a: bigint,
  r: bigint,
  keyTorsion: CurvePoint,
  nonceTorsion: CurvePoint,
  message: Uint8Array,
) {
  const publicKey = Point.BASE.multiply(a).add(keyTorsion).toBytes();
  const nonce = Point.BASE.multiplyUnsafe(r).add(nonceTorsion).toBytes();
  const digest = createHash('sha512').update(nonce).update(publicKey).update(message).digest();
  const k = scalar(Uint8Array.from(digest)) % L;
  const signature = concat(nonce, encodeScalar((r + k * a) % L));
  return { publicKey, signature, holds: keyTorsion.multiplyUnsafe(k).add(nonceTorsion).is0() };
}

describe('the one Ed25519 rule', () => {
  test('mixed-order keys and nonces are judged by the cofactorless equation alone', () => {
    let [accepted, refused] = [0, 0];
    for (const [i, keyTorsion] of torsion.entries()) {
      for (const [j, nonceTorsion] of torsion.entries()) {
        for (let n = 0; n < 4; n++) {
          const message = utf8(`${i}/${j}/${n}`);
          const made = mixedSignature(BigInt(1000 + i), BigInt(77 + n), keyTorsion, nonceTorsion, message);
          assert.equal(verdict(made.publicKey, message, made.signature), made.holds, `${i}/${j}/${n}`);
          if (made.holds) accepted++;
          else refused++;
        }
      }
    }
    assert.ok(accepted >= 20 && refused >= 100, `${accepted} accepted, ${refused} refused`);
  });

  test('small-order keys and nonces are refused, also where the equation holds', () => {
    const message = utf8('m');
    for (const point of torsion) {
      const bytes = point.toBytes();
      const withSign = bytes.slice();
      withSign[31] = (withSign[31] as number) ^ 0x80;
      for (const encoding of [bytes, withSign]) {
        assert.equal(isAdmissiblePoint(encoding), false, toHex(encoding));
        assert.equal(verdict(encoding, message, concat(encoding, new Uint8Array(32))), false);
      }
      // S = r + k·a with an honest key but a small-order R
      const made = mixedSignature(5n, 0n, Point.ZERO, point, message);
      assert.equal(toHex(made.signature.subarray(0, 32)), toHex(bytes));
      assert.equal(verdict(made.publicKey, message, made.signature), false);
    }
  });

  test('non-canonical encodings of A and R are refused', () => {
    for (let y = 0xed; y <= 0xff; y++) {
      for (const top of [0x7f, 0xff]) {
        const encoding = fromHex('ff'.repeat(32));
        encoding[0] = y;
        encoding[31] = top;
        assert.equal(isAdmissiblePoint(encoding), false, toHex(encoding));
        assert.equal(verdict(encoding, utf8('m'), concat(encoding, new Uint8Array(32))), false);
      }
    }
  });

  test('S + L is refused', () => {
    const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(3));
    const signature = signer.sign(utf8('m'));
    assert.equal(verdict(signer.publicKey, utf8('m'), signature), true);
    const s = scalar(signature.subarray(32));
    const larger = concat(signature.subarray(0, 32), encodeScalar(s + L));
    assert.equal(verdict(signer.publicKey, utf8('m'), larger), false);
  });

  test('every changed bit of key, signature and message is refused by both', () => {
    const signer = nobleProvider.ed25519.signer(new Uint8Array(32).fill(9));
    const message = utf8('message');
    const signature = signer.sign(message);
    for (let bit = 0; bit < 8 * 64; bit += 5) {
      const changed = signature.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(verdict(signer.publicKey, message, changed), false, `signature bit ${bit}`);
    }
    for (let bit = 0; bit < 256; bit += 5) {
      const changed = signer.publicKey.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(verdict(changed, message, signature), false, `key bit ${bit}`);
    }
    assert.equal(verdict(signer.publicKey, utf8('massage'), signature), false);
  });
});
