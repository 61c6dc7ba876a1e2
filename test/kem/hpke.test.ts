/** HPKE base mode against the published HPKE-PQ vectors, and what it must refuse. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HpkeContext, hpkeOpen, hpkeSeal } from '../../src/kem/hpke.ts';
import { toHex, utf8 } from '../../src/safety/bytes.ts';
import { CryptoError } from '../../src/safety/crypto/provider.ts';
import { none, providers, random } from '../safety/crypto/both.ts';
import { bytesOf, Tally, type Vector, vectorFile, vectorsMissing } from '../safety/crypto/vectors.ts';

const X_WING = 0x647a;
const HKDF_SHA256 = 0x0001;
const AEAD_NAMES = new Map([
  [2, 'AES-256-GCM'],
  [3, 'ChaCha20Poly1305'],
] as const);

/** Why a set of the file cannot be run; null when it can. */
function reasonToSkip(set: Vector): string | null {
  if (set['mode'] !== 0) return 'not the base mode';
  if (set['kem_id'] !== X_WING) return 'another KEM than X-Wing';
  if (set['kdf_id'] !== HKDF_SHA256) return 'another KDF than HKDF-SHA256';
  return AEAD_NAMES.has(set['aead_id'] as 2 | 3)
    ? null
    : 'another AEAD than AES-256-GCM and ChaCha20-Poly1305';
}

for (const [name, provider] of providers) {
  test(`${name}: the published HPKE-PQ vectors`, { skip: vectorsMissing }, (t) => {
    const tally = new Tally();
    for (const set of vectorFile('hpke/hpke-pq.json') as readonly Vector[]) {
      const reason = reasonToSkip(set);
      if (reason !== null) {
        tally.skipped(reason);
        continue;
      }
      const [first, ...others] = set['encryptions'] as readonly Vector[];
      assert.ok(first !== undefined);
      const context: HpkeContext = {
        info: bytesOf(set, 'info'),
        aad: bytesOf(first, 'aad'),
        aead: AEAD_NAMES.get(set['aead_id'] as 2 | 3) ?? 'AES-256-GCM',
      };
      const recipient = provider.xWing.keyPair(bytesOf(set, 'skRm'));
      assert.equal(toHex(recipient.publicKey), set['pkRm']);
      assert.equal(toHex(recipient.decapsulate(bytesOf(set, 'enc'))), set['shared_secret']);
      const opened = hpkeOpen(provider, recipient, context, bytesOf(set, 'enc'), bytesOf(first, 'ct'));
      assert.equal(toHex(opened), first['pt']);
      tally.ran();
      if (name === 'noble') {
        const coins = bytesOf(set, 'ikmE');
        const made = hpkeSeal(provider, recipient.publicKey, context, [opened], coins);
        assert.equal(toHex(made.enc), set['enc']);
        assert.equal(toHex(made.ciphertext), first['ct']);
      } else {
        tally.inPart('sealing not compared: no coins can be given');
      }
      t.diagnostic(`${others.length} later messages of a set skipped: one message a key, sequence number 0`);
      t.diagnostic(`${(set['exports'] as unknown[]).length} exported secrets skipped: nothing is exported`);
    }
    assert.ok(tally.report(t) >= 1);
  });

  test(`${name}: opens only with the same key, info, associated data and AEAD`, () => {
    const context: HpkeContext = { info: utf8('info'), aad: utf8('aad') };
    const [recipient, other] = [provider.xWing.keyPair(random(32)), provider.xWing.keyPair(random(32))];
    const { enc, ciphertext } = hpkeSeal(provider, recipient.publicKey, context, [utf8('to '), utf8('you')]);
    const opened = hpkeOpen(provider, recipient, context, enc, ciphertext);
    assert.equal(toHex(opened), toHex(utf8('to you')));
    const refused: [string, Parameters<typeof hpkeOpen>][] = [
      ['key', [provider, other, context, enc, ciphertext]],
      ['info', [provider, recipient, { ...context, info: utf8('inf') }, enc, ciphertext]],
      ['aad', [provider, recipient, { ...context, aad: none }, enc, ciphertext]],
      ['aead', [provider, recipient, { ...context, aead: 'ChaCha20Poly1305' }, enc, ciphertext]],
      ['enc', [provider, recipient, context, enc.map((byte, i) => byte ^ (i === 3 ? 1 : 0)), ciphertext]],
      ['short enc', [provider, recipient, context, enc.subarray(1), ciphertext]],
      ['cut', [provider, recipient, context, enc, ciphertext.subarray(1)]],
      ['no tag', [provider, recipient, context, enc, none]],
    ];
    for (const [what, args] of refused) assert.throws(() => hpkeOpen(...args), CryptoError, what);
    assert.throws(() => hpkeSeal(provider, recipient.publicKey.subarray(1), context, [none]), CryptoError);
  });
}
