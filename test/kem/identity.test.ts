/** Identities: the fingerprint is what the specification says, and the secrets survive the disk. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  decodeIdentity,
  encodeIdentity,
  generateIdentity,
  IDENTITY_BYTES,
  Identity,
  wipeIdentity,
} from '../../src/kem/identity.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { node } from './parties.ts';

test('the fingerprint covers both keys, and both providers give the same identity', () => {
  const secrets = generateIdentity(node);
  const identity = new Identity(nodeProvider, secrets);
  const dsaHash = createHash('sha256').update(identity.dsa.publicKey).digest();
  const expected = createHash('sha384')
    .update('kith/1/id/fingerprint')
    .update(identity.ed.publicKey)
    .update(dsaHash)
    .digest('hex');
  assert.equal(toHex(identity.fingerprint), expected);
  assert.equal(identity.fingerprint.length, 48);
  const other = new Identity(nobleProvider, secrets);
  assert.deepEqual(other.fingerprint, identity.fingerprint);
  assert.deepEqual(other.device.publicKey, identity.device.publicKey);
});

test('secrets survive encoding, and only their own encoding is read', () => {
  const secrets = generateIdentity(node);
  const bytes = encodeIdentity(secrets);
  assert.equal(bytes.length, IDENTITY_BYTES);
  assert.deepEqual(decodeIdentity(bytes), secrets);
  assert.deepEqual(encodeIdentity(decodeIdentity(bytes)), bytes);
  assert.throws(() => decodeIdentity(bytes.subarray(1)), MalformedError);
  assert.throws(() => decodeIdentity(Uint8Array.of(2, ...bytes.subarray(1))), MalformedError);
  assert.throws(() => encodeIdentity({ ...secrets, deviceId: new Uint8Array(15) }), RangeError);
});

test('an identity works on after its secrets were wiped', () => {
  const secrets = generateIdentity(node);
  const again = { ...secrets, deviceSecret: secrets.deviceSecret.slice() };
  const identity = new Identity(nodeProvider, secrets);
  wipeIdentity(secrets);
  assert.deepEqual(secrets.edSeed, new Uint8Array(32));
  const peer = nodeProvider.x25519.keyPair(node.random(32)).publicKey;
  const expected = nodeProvider.x25519.keyPair(again.deviceSecret).agree(peer);
  assert.deepEqual(identity.device.agree(peer), expected);
});
