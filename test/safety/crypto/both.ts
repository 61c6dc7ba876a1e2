/** The two providers, for tests that treat them alike. */

import { randomBytes } from 'node:crypto';
import { nobleProvider } from '../../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import type { Kem, Provider } from '../../../src/safety/crypto/provider.ts';

export const providers: readonly (readonly [string, Provider])[] = [
  ['node', nodeProvider],
  ['noble', nobleProvider],
];

export const none = new Uint8Array(0);
export const random = (size: number): Uint8Array => Uint8Array.from(randomBytes(size));

/** A KEM with the sizes of its public key, ciphertext and seed. */
export type KemOf = readonly [kem: Kem, publicKeySize: number, ciphertextSize: number, seedSize: number];

export const kems = (p: Provider): readonly KemOf[] => [
  [p.mlKem768, 1184, 1088, 64],
  [p.mlKem1024, 1568, 1568, 64],
  [p.xWing, 1216, 1120, 32],
];
