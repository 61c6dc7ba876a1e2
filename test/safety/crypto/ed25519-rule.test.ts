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

/** Both parts of a mixed-order signature, and what became of it. */
interface MixedSignature {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  /** The hash as the equation uses it, reduced mod L. */
  readonly k: bigint;
  /** The hash before the reduction, 512 bits: whoever multiplies by it judges torsion otherwise. */
  readonly unreduced: bigint;
  /** Whether the torsion that is left over in the cofactorless equation is zero. */
  readonly holds: boolean;
}

/** Signs with the key a·B + keyTorsion and the nonce point r·B + nonceTorsion. */
function mixedSigner(
  a: bigint,
  r: bigint,
  keyTorsion: CurvePoint,
  nonceTorsion: CurvePoint,
): (message: Uint8Array) => MixedSignature {
  const publicKey = Point.BASE.multiplyUnsafe(a).add(keyTorsion).toBytes();
  const nonce = Point.BASE.multiplyUnsafe(r).add(nonceTorsion).toBytes();
  return (message) => {
    const digest = createHash('sha512').update(nonce).update(publicKey).update(message).digest();
    const unreduced = scalar(Uint8Array.from(digest));
    const k = unreduced % L;
    const signature = concat(nonce, encodeScalar((r + k * a) % L));
    const holds = keyTorsion
      .multiplyUnsafe(k % 8n)
      .add(nonceTorsion)
      .is0();
    return { publicKey, signature, k, unreduced, holds };
  };
}

describe('the one Ed25519 rule', () => {
  test('mixed-order keys and nonces are judged by the cofactorless equation alone, for every residue', () => {
    let [accepted, refused, toldApart] = [0, 0, 0];
    const residuesOfS = new Set<bigint>();
    for (const [i, keyTorsion] of torsion.entries()) {
      for (const [j, nonceTorsion] of torsion.entries()) {
        const missing = new Set([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n]);
        const sign = mixedSigner(BigInt(1000 + i), BigInt(77 + j), keyTorsion, nonceTorsion);
        for (let n = 0; missing.size > 0; n++) {
          const message = utf8(`${i}/${j}/${n}`);
          const made = sign(message);
          if (!missing.delete(made.k % 8n)) continue;
          assert.equal(verdict(made.publicKey, message, made.signature), made.holds, `${i}/${j}/${n}`);
          residuesOfS.add(scalar(made.signature.subarray(32)) % 8n);
          const otherwise = keyTorsion
            .multiplyUnsafe(made.unreduced % 8n)
            .add(nonceTorsion)
            .is0();
          if (otherwise !== made.holds) toldApart++;
          if (made.holds) accepted++;
          else refused++;
        }
      }
    }
    // 8 key torsions, 8 residues of k: exactly one nonce torsion of each 8 makes the equation hold
    assert.deepEqual([accepted, refused], [64, 448]);
    assert.equal(residuesOfS.size, 8);
    assert.ok(toldApart > 50, `${toldApart} cases where reducing k makes the difference`);
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
      // small-order A under an honest R: S·B = r·B + torsion holds where k·A cancels it
      for (let n = 0, held = 0; held === 0; n++) {
        const tried = utf8(`${toHex(bytes)}${n}`);
        const made = mixedSigner(0n, 77n, point, torsion[n % 8] as CurvePoint)(tried);
        if (!made.holds) continue;
        held++;
        for (const encoding of [bytes, withSign]) {
          assert.equal(verdict(encoding, tried, made.signature), false, toHex(encoding));
        }
      }
      // S = r + k·a with an honest key but a small-order R
      const made = mixedSigner(5n, 0n, Point.ZERO, point)(message);
      assert.equal(toHex(made.signature.subarray(0, 32)), toHex(bytes));
      assert.equal(verdict(made.publicKey, message, made.signature), false);
    }
  });

  test('non-canonical encodings of A and R are refused', () => {
    const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(3));
    const signature = signer.sign(utf8('m'));
    let onCurve = 0;
    for (let y = 0xed; y <= 0xff; y++) {
      for (const top of [0x7f, 0xff]) {
        const encoding = fromHex('ff'.repeat(32));
        encoding[0] = y;
        encoding[31] = top;
        assert.equal(isAdmissiblePoint(encoding), false, toHex(encoding));
        assert.equal(verdict(encoding, utf8('m'), concat(encoding, new Uint8Array(32))), false);
        assert.equal(verdict(encoding, utf8('m'), signature), false);
        const withR = concat(encoding, signature.subarray(32));
        assert.equal(verdict(signer.publicKey, utf8('m'), withR), false);
        // the canonical encoding of the same y is admissible, unless it is of small order (y = 0 and y = 1)
        const canonical = new Uint8Array(32);
        canonical[0] = y - 0xed;
        canonical[31] = top & 0x80;
        assert.equal(isAdmissiblePoint(canonical), y - 0xed > 1);
        assert.equal(verdict(canonical, utf8('m'), signature), false);
        try {
          Point.fromBytes(canonical, false);
          onCurve++;
        } catch {
          // no point has this y: refused all the same
        }
      }
    }
    assert.ok(onCurve >= 10, `${onCurve} of them name a point when reduced`);
  });

  test('y = 1 and y = -1, where x = 0, are refused with either sign bit as A and as R', () => {
    const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(4));
    const signature = signer.sign(utf8('m'));
    for (const y of [`01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`]) {
      for (const sign of [0, 0x80]) {
        const encoding = fromHex(y);
        encoding[31] = (encoding[31] as number) | sign;
        assert.equal(isAdmissiblePoint(encoding), false);
        assert.equal(verdict(encoding, utf8('m'), signature), false);
        assert.equal(verdict(signer.publicKey, utf8('m'), concat(encoding, signature.subarray(32))), false);
      }
    }
  });

  test('S + nL is refused for every n that fits, and L itself', () => {
    const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(3));
    const signature = signer.sign(utf8('m'));
    assert.equal(verdict(signer.publicKey, utf8('m'), signature), true);
    const withS = (s: bigint): Uint8Array => concat(signature.subarray(0, 32), encodeScalar(s));
    let tried = 0;
    for (let s = scalar(signature.subarray(32)) + L; s < 1n << 256n; s += L) {
      assert.equal(verdict(signer.publicKey, utf8('m'), withS(s)), false, `${s}`);
      tried++;
    }
    assert.equal(tried, 15);
    for (const s of [0n, 1n, L - 1n, L, L + 1n, 8n * L, (1n << 252n) - 1n, 1n << 253n, (1n << 256n) - 1n]) {
      assert.equal(verdict(signer.publicKey, utf8('m'), withS(s)), false, `${s}`);
    }
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
