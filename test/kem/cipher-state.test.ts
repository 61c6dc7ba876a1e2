import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CipherState } from '../../src/kem/cipher-state.ts';
import { KemError } from '../../src/kem/errors.ts';
import { fromHex, toHex, utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { CryptoError } from '../../src/safety/crypto/provider.ts';

const aead = nodeProvider.chaCha20Poly1305;
const none = new Uint8Array(0);
const key = (): Uint8Array => new Uint8Array(32).fill(7);

const exhausted = (error: unknown): boolean => error instanceof KemError && error.code === 'NONCE_EXHAUSTED';

describe('CipherState', () => {
  test('uses the counter as a little-endian nonce behind four zero bytes', () => {
    const state = new CipherState(aead, key());
    state.counter = 0x1_0203_0405;
    const sealed = state.encrypt(utf8('ad'), utf8('te'), utf8('xt'));
    const nonce = fromHex('000000000504030201000000');
    assert.equal(
      toHex(sealed),
      toHex(nobleProvider.chaCha20Poly1305.seal(key(), nonce, utf8('ad'), utf8('text'))),
    );
    assert.equal(state.counter, 0x1_0203_0406);
  });

  test('opens in order only, and a refused message changes nothing', () => {
    const [ours, theirs] = [new CipherState(aead, key()), new CipherState(aead, key())];
    const messages = ['one', 'two', 'three'].map((text) => ours.encrypt(none, utf8(text)));
    assert.throws(() => theirs.decrypt(none, messages[1] as Uint8Array), CryptoError);
    for (const message of messages) theirs.decrypt(none, message);
    assert.throws(() => theirs.decrypt(none, messages[2] as Uint8Array), CryptoError);
    assert.equal(theirs.counter, 3);
  });

  test('rekeys as Noise section 11.3 says, and goes on counting', () => {
    const [ours, theirs] = [
      new CipherState(aead, key()),
      new CipherState(nobleProvider.chaCha20Poly1305, key()),
    ];
    theirs.decrypt(none, ours.encrypt(none, utf8('a')));
    ours.rekey();
    theirs.rekey();
    const nextKey = aead
      .seal(key(), fromHex('00000000ffffffffffffffff'), none, new Uint8Array(32))
      .subarray(0, 32);
    const sealed = ours.encrypt(none, utf8('b'));
    assert.equal(
      toHex(sealed),
      toHex(aead.seal(nextKey, fromHex('000000000100000000000000'), none, utf8('b'))),
    );
    assert.equal(toHex(theirs.decrypt(none, sealed)), toHex(utf8('b')));
  });

  test('never uses a nonce twice: stops at the end, and never goes back', () => {
    const state = new CipherState(aead, key());
    state.counter = Number.MAX_SAFE_INTEGER - 1;
    state.encrypt(none, none);
    assert.throws(() => state.encrypt(none, none), exhausted);
    assert.throws(() => state.decrypt(none, new Uint8Array(16)), exhausted);
    assert.throws(() => {
      state.counter = 5;
    }, RangeError);
  });

  test('is of no use after erasure, and wipes the key it owns', () => {
    const own = key();
    const state = new CipherState(aead, own);
    state.erase();
    assert.deepEqual(own, new Uint8Array(32));
    assert.throws(() => state.encrypt(none, none), KemError);
  });
});
