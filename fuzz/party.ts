/** Somebody whose keys never change, for targets that need valid bytes to lay patterns over. */

import { Identity } from '../src/kem/identity.ts';
import { generatePrekeys, type Prekeys } from '../src/kem/prekeys.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';

export const NOW = Date.UTC(2026, 10, 21);

export const filled = (size: number, value: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(size).fill(value);

/** All secrets of a kind are one byte again and again: Ed25519, ML-DSA-65, device secret, device id, prekeys. */
export function party([ed, dsa, device, id, prekeys]: readonly [number, number, number, number, number]): {
  identity: Identity;
  prekeys: Prekeys;
} {
  const identity = new Identity(nodeProvider, {
    edSeed: filled(32, ed),
    dsaSeed: filled(32, dsa),
    deviceSecret: filled(32, device),
    deviceId: filled(16, id),
  });
  const random = (size: number): Uint8Array<ArrayBuffer> => filled(size, prekeys);
  return { identity, prekeys: generatePrekeys({ provider: nodeProvider, random }, identity, [], NOW) };
}
