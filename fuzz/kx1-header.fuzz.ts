/**
 * Openings of KX1. The first byte chooses: the rest is a header; or it is a pattern that is laid over a valid header; or
 * over a valid opening that is given to its responder, who may accept only the unchanged one.
 */

import assert from 'node:assert/strict';
import { verifyBundle } from '../src/kem/bundle.ts';
import { KemError } from '../src/kem/errors.ts';
import { decodeKx1Header, encodeKx1Header, KX1_HEADER_BYTES, readOpening } from '../src/kem/kx1.ts';
import { encryptOpening, initiate } from '../src/kem/kx1-initiator.ts';
import { accept } from '../src/kem/kx1-responder.ts';
import { CryptoError } from '../src/safety/crypto/provider.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { laidOver } from './laid-over.ts';
import { filled, NOW, party } from './party.ts';

const PRIMITIVES = { provider: nodeProvider, random: (size: number) => filled(size, 9) };
const [ALICE, BOB] = [party([1, 1, 1, 1, 2]), party([3, 3, 3, 3, 4])];
const PEER = verifyBundle(nodeProvider, BOB.prekeys.secrets.bundle, NOW);
const { session: SESSION } = initiate(PRIMITIVES, { ...ALICE, peer: PEER, now: NOW });
const VALID = encryptOpening(PRIMITIVES, SESSION, [ALICE.prekeys], filled(5, 7), NOW).plaintext;
const KEYS = {
  identity: BOB.identity,
  prekeys: [BOB.prekeys],
  oneTimePrekey: () => null,
  isReplayed: () => false,
};

/** The header as it is decoded must be written as the same bytes. */
function rewrite(bytes: Uint8Array): void {
  assert.equal(Buffer.compare(encodeKx1Header(decodeKx1Header(bytes)), bytes), 0);
}

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const rest = data.subarray(1);
  try {
    if (mode % 3 === 0) rewrite(rest);
    else if (mode % 3 === 1) rewrite(laidOver(VALID.subarray(0, KX1_HEADER_BYTES), rest));
    else {
      const bytes = laidOver(VALID, rest);
      accept(PRIMITIVES, KEYS, readOpening(nodeProvider, bytes), NOW);
      assert.equal(Buffer.compare(bytes, VALID), 0, 'only the valid one is accepted');
    }
  } catch (error) {
    if (error instanceof MalformedError || error instanceof CryptoError || error instanceof KemError) return;
    throw error;
  }
}
