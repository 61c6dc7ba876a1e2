/**
 * Sealed envelopes (SE1) given to whoever holds two inbox keys. The first byte chooses whether the rest is the
 * envelope itself, padded or not, or a pattern laid over a valid one. Only an unchanged envelope opens; everything
 * else is a typed refusal.
 */

import assert from 'node:assert/strict';
import {
  ENVELOPE_BYTES,
  ENVELOPE_PLAINTEXT_BYTES,
  openEnvelope,
  sealEnvelope,
} from '../src/kem/sealed-envelope.ts';
import { CryptoError } from '../src/safety/crypto/provider.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);
const FINGERPRINT = filled(48, 1);
const PLAINTEXT = filled(ENVELOPE_PLAINTEXT_BYTES, 2);
const OLDER = nodeProvider.xWing.keyPair(filled(32, 3));
const NEWER = nodeProvider.xWing.keyPair(filled(32, 4));
const VALID = sealEnvelope(nodeProvider, { inboxKey: OLDER.publicKey, fingerprint: FINGERPRINT }, PLAINTEXT);

function made(mode: number, rest: Uint8Array): Uint8Array {
  if (mode === 0) return rest;
  if (mode === 1) {
    const envelope = new Uint8Array(ENVELOPE_BYTES);
    envelope[0] = 1;
    envelope.set(rest.subarray(0, ENVELOPE_BYTES - 1), 1);
    return envelope;
  }
  const [high = 0, low = 0] = rest;
  const envelope = VALID.slice();
  for (const [i, byte] of rest.subarray(2).entries()) {
    const at = (high * 256 + low + i) % envelope.length;
    envelope[at] = (envelope[at] as number) ^ byte;
  }
  return envelope;
}

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const envelope = made(mode % 3, data.subarray(1));
  let opened: Uint8Array | null = null;
  try {
    opened = openEnvelope(nodeProvider, [NEWER, OLDER], FINGERPRINT, envelope);
  } catch (error) {
    if (!(error instanceof CryptoError) && !(error instanceof MalformedError)) throw error;
    const known = envelope.length === ENVELOPE_BYTES && envelope[0] === 1;
    assert.equal(error instanceof MalformedError, !known);
  }
  assert.equal(opened !== null, Buffer.compare(envelope, VALID) === 0);
  if (opened !== null) assert.equal(Buffer.compare(opened, PLAINTEXT), 0);
}
