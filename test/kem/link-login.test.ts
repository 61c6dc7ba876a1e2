/** Link login: it holds for one pair, one role and one link. */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { isLinkLogin, type LinkBinding, linkLogin } from '../../src/kem/link-login.ts';
import { accept } from '../../src/kem/kx1-responder.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { contactTo, NOW, node, Party } from './parties.ts';

const filled = (value: number): Uint8Array => new Uint8Array(32).fill(value);
const link: LinkBinding = { handshakeHash: filled(1), dialerOnion: filled(2), acceptorOnion: filled(3) };
const key = filled(9);
const none = { get: () => null };

test('both sides of a proven session log in to each other', () => {
  const [alice, bob] = [new Party(), new Party()];
  const made = contactTo(alice, bob.verified());
  const accepted = accept(node, bob.keys, made.opening, NOW);
  // nothing of the first contact alone: a thief of the responder's prekeys has that too
  assert.deepEqual([made.epochKeys.pairKey, accepted.epochKeys.pairKey], [null, null]);
  const answer = encrypt(node, accepted.session, utf8('hi'), 4_064);
  const answered = decrypt(node, made.session, answer.message, none, NOW);
  const proof = encrypt(node, answered.session, utf8('it is me'), 4_064);
  const proven = decrypt(node, answer.session, proof.message, none, NOW);
  const keys = [proof.epochKeys?.pairKey, proven.epochKeys?.pairKey] as const;
  assert.ok(keys[0] instanceof Uint8Array && keys[1] instanceof Uint8Array);
  const login = linkLogin(nodeProvider, keys[0], 'dialer', link);
  assert.equal(isLinkLogin(node, keys[1], 'dialer', link, login), true);
});

test('it is the MAC that the specification says, with either provider', () => {
  for (const [role, number] of [
    ['dialer', 1],
    ['acceptor', 2],
  ] as const) {
    const mac = createHmac('sha256', key)
      .update('kith/1/link/login')
      .update(Uint8Array.of(number))
      .update(Buffer.concat([filled(1), filled(2), filled(3)]))
      .digest('hex');
    assert.equal(toHex(linkLogin(nodeProvider, key, role, link)), mac);
    assert.equal(toHex(linkLogin(nobleProvider, key, role, link)), mac);
  }
});

test('no other key, role, link or login will do', () => {
  const login = linkLogin(nodeProvider, key, 'dialer', link);
  assert.equal(isLinkLogin(node, key, 'dialer', link, login), true);
  assert.equal(isLinkLogin(node, filled(8), 'dialer', link, login), false);
  assert.equal(isLinkLogin(node, key, 'acceptor', link, login), false, 'a reflected login');
  for (const part of ['handshakeHash', 'dialerOnion', 'acceptorOnion'] as const) {
    assert.equal(isLinkLogin(node, key, 'dialer', { ...link, [part]: filled(7) }, login), false, part);
  }
  const swapped = { ...link, dialerOnion: link.acceptorOnion, acceptorOnion: link.dialerOnion };
  assert.equal(isLinkLogin(node, key, 'dialer', swapped, login), false);
  for (const wrong of [login.subarray(1), new Uint8Array(0), filled(0), new Uint8Array(100)]) {
    assert.equal(isLinkLogin(node, key, 'dialer', link, wrong), false);
  }
  for (let bit = 0; bit < 256; bit++) {
    const changed = login.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.equal(isLinkLogin(node, key, 'dialer', link, changed), false);
  }
  assert.throws(() => linkLogin(nodeProvider, key.subarray(1), 'dialer', link), RangeError);
});
