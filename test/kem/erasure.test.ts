/** Secrets that are done with are zeros afterwards: seen in the very buffers that went to and came from the provider. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept } from '../../src/kem/kx1-responder.ts';
import type { Primitives } from '../../src/kem/primitives.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { equal, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Provider } from '../../src/safety/crypto/provider.ts';
import { contactTo, DAY, NOW, node, Party, refuses } from './parties.ts';

/** Output sizes of HKDF: secrets of KX1 or a root step, keys of an epoch, key and nonces of a message. */
const [ROOT_BYTES, EPOCH_BYTES, MESSAGE_BYTES] = [128, 96, 56];
const NO_NONCES = 32;

/** A provider that remembers secrets by the buffers that they are in. */
class Watcher {
  /** Keys that went in, and keys that came out. */
  readonly keys = new Set<Uint8Array>();
  readonly messageKeys: Uint8Array[] = [];
  readonly plaintexts: Uint8Array[] = [];
  readonly p: Primitives;

  constructor() {
    const provider: Provider = {
      ...nodeProvider,
      hmacSha256: (key, ...parts) => {
        const output = nodeProvider.hmacSha256(key, ...parts);
        // the third is the salt, which stands in the header
        if (parts.length === 1) this.#saw(key, output);
        if (parts.length === 1 && equal(parts[0] as Uint8Array, Uint8Array.of(1)))
          this.messageKeys.push(output);
        return output;
      },
      hkdfSha256: (ikm, salt, info, size) => {
        const output = nodeProvider.hkdfSha256(ikm, salt, info, size);
        assert.ok([ROOT_BYTES, EPOCH_BYTES, MESSAGE_BYTES].includes(size));
        this.#saw(ikm, size === MESSAGE_BYTES ? output.subarray(0, NO_NONCES) : output);
        if (size === ROOT_BYTES && salt.some((byte) => byte !== 0)) this.#saw(salt);
        return output;
      },
      aes256Gcm: {
        ...nodeProvider.aes256Gcm,
        open: (key, nonce, aad, sealed) => {
          this.#saw(key);
          return nodeProvider.aes256Gcm.open(key, nonce, aad, sealed);
        },
        seal: (key, nonce, aad, ...parts) => {
          this.#saw(key);
          this.plaintexts.push(...parts);
          return nodeProvider.aes256Gcm.seal(key, nonce, aad, ...parts);
        },
      },
    };
    this.p = { ...node, provider };
  }

  #saw(...keys: Uint8Array[]): void {
    for (const key of keys) this.keys.add(key);
  }

  /** How many of the keys still hold something. */
  left(): number {
    return [...this.keys].filter((key) => !isErased(key)).length;
  }
}

const isErased = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

test('a first contact whose bundle is refused leaves no secret of the session behind', () => {
  // her bundle expires before his prekeys do, so it is refused once the message has opened
  const [alice, bob] = [new Party(undefined, NOW - 29 * DAY), new Party()];
  const { opening } = contactTo(alice, bob.verified());
  const refused = new Watcher();
  refuses('BUNDLE_EXPIRED', () => accept(refused.p, bob.keys, opening, NOW + 16 * DAY));
  assert.ok(refused.keys.size > 10, `${refused.keys.size} keys seen`);
  assert.equal(refused.left(), 0);
  const accepted = new Watcher();
  accept(accepted.p, bob.keys, opening, NOW);
  assert.ok(accepted.left() > 0, 'an accepted one has a session');
});

test('a message leaves neither its key nor its plaintext behind, nor anything else that no state holds', () => {
  const [alice, bob] = [new Party(), new Party()];
  const { opening } = contactTo(alice, bob.verified());
  let { session } = accept(node, bob.keys, opening, NOW);
  for (const stepped of [true, false]) {
    const watcher = new Watcher();
    const before = session;
    assert.equal(before.sending === null, stepped);
    session = encrypt(watcher.p, before, utf8('a secret'), 4_064).session;
    const { messageKeys, plaintexts, keys } = watcher;
    const [messageKey, header, body] = [messageKeys[0], ...plaintexts] as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    assert.deepEqual([messageKeys.length, plaintexts.length, header.length], [1, 2, 64]);
    assert.ok(isErased(messageKey), 'the message key');
    assert.ok(isErased(body), 'the padded body');
    const held = [before, session].flatMap(({ rootKey, sending }) => [
      rootKey,
      sending?.headerKey,
      sending?.chainKey,
    ]);
    for (const key of keys) {
      const isLeft = !isErased(key) && key.length !== ROOT_BYTES && !held.includes(key);
      assert.ok(!isLeft, `${key.length} bytes are left`);
    }
    assert.ok([before.rootKey, before.sending?.chainKey].every((key) => key === undefined || !isErased(key)));
  }
});
