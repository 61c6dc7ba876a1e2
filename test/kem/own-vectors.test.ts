/** The files of test/vectors are what the code makes, and the other provider reads what stands in them. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyBundle } from '../../src/kem/bundle.ts';
import { decodeIdentity, Identity } from '../../src/kem/identity.ts';
import { accept } from '../../src/kem/kx1-responder.ts';
import { readOpening } from '../../src/kem/kx1.ts';
import { decodePrekeys, Prekeys } from '../../src/kem/prekeys.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { openEnvelope } from '../../src/kem/sealed-envelope.ts';
import { decodeSession } from '../../src/kem/session-codec.ts';
import { fromHex, toHex } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { makeVectors, textOf, VECTORS } from './own-vectors.ts';

const p = { provider: nodeProvider, random: systemRandom };

const file = (name: string): unknown => JSON.parse(readFileSync(join(VECTORS, name), 'utf8'));

test('the code makes the files, byte for byte', () => {
  const made = makeVectors();
  const files = readdirSync(VECTORS).filter((name) => name.endsWith('.json'));
  assert.deepEqual(files.toSorted(), [...made.keys()].toSorted());
  for (const [name, json] of made) {
    assert.ok(
      readFileSync(join(VECTORS, name), 'utf8') === textOf(json),
      `${name} differs: if the format was changed on purpose, run node test/kem/own-vectors.ts`,
    );
  }
});

test('OpenSSL opens the envelope of the files, and agrees on identities, bundles and secrets', () => {
  const { b } = file('identity.json') as { b: { encoded: string; fingerprint: string } };
  const { b: set } = file('bundle.json') as { b: { encoded: string; bundle: string; now: number } };
  const { aToB } = file('kx1.json') as { aToB: Record<string, Record<string, string>> };
  const identity = new Identity(nodeProvider, decodeIdentity(fromHex(b.encoded)));
  assert.equal(toHex(identity.fingerprint), b.fingerprint);
  const prekeys = new Prekeys(nodeProvider, decodePrekeys(fromHex(set.encoded)));
  assert.equal(toHex(verifyBundle(nodeProvider, fromHex(set.bundle), set.now).fingerprint), b.fingerprint);
  const envelope = fromHex(aToB['envelope']?.['bytes'] ?? '');
  const plaintext = openEnvelope(nodeProvider, [prekeys.inbox], identity.fingerprint, envelope);
  assert.equal(toHex(plaintext), aToB['opening']?.['plaintext']);
  const own = { identity, prekeys: [prekeys], oneTimePrekey: () => null, isReplayed: () => false };
  const accepted = accept(p, own, readOpening(nodeProvider, plaintext), set.now);
  assert.equal(Buffer.from(accepted.content).toString(), aToB['opening']?.['content']);
  assert.equal(toHex(accepted.session.transcript), aToB['initiate']?.['transcript']);
});

test('OpenSSL reads the conversation of the files', () => {
  const { steps } = file('kr1.json') as {
    steps: {
      from: string;
      content: string;
      message: string;
      senderAfter: string;
      receiverAfter: string | null;
    }[];
  };
  const { aToB } = file('kx1.json') as { aToB: Record<string, { session: string }> };
  const sessions = new Map([
    ['a', aToB['opening']?.session ?? ''],
    ['b', aToB['accept']?.session ?? ''],
  ]);
  assert.equal(steps.length, 6);
  for (const { from, content, message, senderAfter, receiverAfter } of steps) {
    const to = from === 'a' ? 'b' : 'a';
    const session = decodeSession(fromHex(sessions.get(to) ?? ''));
    const opened = decrypt(p, session, fromHex(message), { get: () => null }, 0);
    assert.equal(Buffer.from(opened.content).toString(), content);
    if (receiverAfter !== null) sessions.set(to, receiverAfter);
    sessions.set(from, senderAfter);
  }
});
