/**
 * The part of kith's one Ed25519 rule that is a question about bytes (RFC 8032 leaves these choices open, and
 * libraries differ): A and R are canonical encodings of points that are not of small order, and S < L.
 *
 * The other part, the cofactorless equation with H(R || A || M) reduced mod L, belongs to the provider. Mixed-order
 * points pass here and are judged by that equation alone. This file does not check that a point is on the curve.
 */

import { fromHex } from '../bytes.ts';

/** Group order L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
const ORDER = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

/** Field prime p = 2^255 - 19, little-endian. */
const PRIME = fromHex(`ed${'ff'.repeat(30)}7f`);

/** y of the eight points of small order, little-endian, without the sign bit: 0, 1, -1 and two of order 8. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  fromHex('00'.repeat(32)),
  fromHex(`01${'00'.repeat(31)}`),
  fromHex(`ec${'ff'.repeat(30)}7f`),
  fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
];

function below(value: Uint8Array, bound: Uint8Array, topMask: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = (value[i] as number) & (i === 31 ? topMask : 0xff);
    if (byte !== bound[i]) return byte < (bound[i] as number);
  }
  return false;
}

function sameY(point: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (point[i] !== y[i]) return false;
  return ((point[31] as number) & 0x7f) === y[31];
}

/** Whether 32 bytes may be a point under the rule: y < p, and not one of the eight points of small order. */
export function isAdmissiblePoint(point: Uint8Array): boolean {
  return point.length === 32 && below(point, PRIME, 0x7f) && !SMALL_ORDER_Y.some((y) => sameY(point, y));
}

/** Whether key and signature pass all byte checks of the rule; never throws. */
export function passesByteChecks(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    signature.length === 64 &&
    isAdmissiblePoint(publicKey) &&
    isAdmissiblePoint(signature.subarray(0, 32)) &&
    below(signature.subarray(32), ORDER, 0xff)
  );
}
