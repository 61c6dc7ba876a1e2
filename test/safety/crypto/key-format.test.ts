/** Both ways into node:crypto give the same keys. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/safety/bytes.ts';
import {
  ED25519_KEY,
  importPublic,
  importSecret,
  ML_DSA_65_KEY,
  ML_KEM_1024_KEY,
  ML_KEM_768_KEY,
  publicBytes,
  X25519_KEY,
} from '../../../src/safety/crypto/key-format.ts';
import { random } from './both.ts';

/** Node 26 takes raw keys, Node 24 does not. */
const rawKeys = Number(process.versions.node.split('.')[0]) >= 26;

test('raw and DER key formats give the same keys', () => {
  for (const [type, size] of [
    [X25519_KEY, 32],
    [ED25519_KEY, 32],
    [ML_KEM_768_KEY, 64],
    [ML_KEM_1024_KEY, 64],
    [ML_DSA_65_KEY, 32],
  ] as const) {
    const secret = random(size);
    const fromDer = publicBytes(type, importSecret(type, secret, false), false);
    assert.equal(toHex(publicBytes(type, importSecret(type, secret))), toHex(fromDer));
    assert.ok(importPublic(type, fromDer, false).equals(importPublic(type, fromDer)));
    if (!rawKeys) continue;
    assert.equal(toHex(publicBytes(type, importSecret(type, secret, true), true)), toHex(fromDer));
    assert.ok(importPublic(type, fromDer, false).equals(importPublic(type, fromDer, true)));
  }
});
