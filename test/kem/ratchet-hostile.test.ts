/** KR1 against a peer that has all keys and does not follow the rules. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { seededRandom } from '../dht/seeded-random.ts';
import { bytesOf, type Party, SMALL, talked } from './ratchet-pair.ts';
import { type Header, referenceBody, referenceSeal } from './ratchet-reference.ts';

const NONE = new Uint8Array(0);

/** A message of `from`, which has sent in its chain, with any header and body. */
function forged(
  from: Party,
  header: Partial<Header>,
  body = referenceBody(0, NONE, bytesOf('forged'), SMALL - 108),
  nonce?: Uint8Array,
): Uint8Array {
  const { sending, previousLength, pq, transcript } = from.session;
  if (sending === null) throw new TypeError('no chain');
  const { ratchetKey, n } = sending;
  const whole = { ratchetKey, n, pn: previousLength, epoch: pq.epoch, ...header };
  return referenceSeal({ ...sending, transcript }, whole, body, seededRandom(n)(32), nonce);
}

const refusedBy = (primitive: string): object => ({ code: 'CRYPTO_REFUSED', data: { primitive } });

/** A chain of `from` that `to` has not seen yet. */
function fresh(seed: number): { from: Party; to: Party } {
  const { a, b } = talked(seed, 6);
  a.receive(b.send('so that a steps'));
  a.send('lost');
  return { from: a, to: b };
}

/** `message` is refused as told, and the next honest one is read: nothing is bricked. */
function refuses(pair: { from: Party; to: Party }, message: Uint8Array, refusal: object, what: string): void {
  const before = pair.to.saved;
  assert.throws(() => pair.to.receive(message), refusal, what);
  assert.equal(pair.to.saved, before, what);
  const { from, to } = { from: pair.from.restarted(), to: pair.to.restarted() };
  assert.equal(to.receive(from.send('honest')), 'honest', what);
  assert.equal(from.receive(to.send('and back')), 'and back', what);
}

test('a forged message that follows the rules is read: the forger is a peer', () => {
  for (const seed of [80, 81]) {
    const { from, to } = fresh(seed);
    if (seed === 81) to.receive(from.send('known chain'));
    assert.equal(to.receive(forged(from, {})), 'forged');
  }
});

test('a peer that breaks the rules of headers loses that message alone', () => {
  for (const known of [false, true]) {
    const pair = fresh(82);
    const { from, to } = pair;
    if (known) to.receive(from.send('a known chain'));
    else assert.equal(to.session.pq.mode, 'answer');
    const epoch = from.session.pq.epoch;
    const malformed = (format: string) => ({ code: 'MALFORMED', format });
    refuses(pair, forged(from, { flags: 1 }), malformed('ratchet-header'), 'flags');
    refuses(pair, forged(from, { flags: 0x8000_0000 }), malformed('ratchet-header'), 'the first flag');
    refuses(pair, forged(from, { n: 2 ** 20 }), malformed('ratchet-header'), 'n');
    refuses(pair, forged(from, { pn: 2 ** 20 + 1 }), malformed('ratchet-header'), 'pn');
    for (const other of [epoch + 1, epoch + 2, epoch - 1, 0, 2 ** 32 - 1]) {
      // one that the receiver can be in gives other keys than the forger has
      const possible = !known && other === to.session.pq.epoch;
      const refusal = possible ? refusedBy('aes-256-gcm') : { code: 'WRONG_EPOCH' };
      refuses(pair, forged(from, { epoch: other }), refusal, `epoch ${other}`);
    }
    refuses(pair, forged(from, { n: 25_003 }), { code: 'TOO_FAR_AHEAD' }, 'far n');
    refuses(pair, forged(from, {}, undefined, new Uint8Array(12)), malformed('ratchet-message'), 'own nonce');
    if (known) continue;
    refuses(pair, forged(from, { pn: 2 ** 20 }), { code: 'TOO_FAR_AHEAD' }, 'far pn');
    refuses(
      pair,
      forged(from, { ratchetKey: new Uint8Array(32) }),
      refusedBy('x25519'),
      'a key of small order',
    );
  }
});

test('a wrong count of the chain before does no more than skip, or not skip', () => {
  const less = fresh(83);
  less.to.receive(forged(less.from, { pn: 0 }));
  less.from.send('the same number');
  assert.equal(less.to.receive(less.from.send('goes on')), 'goes on');
  const more = fresh(83);
  const known = more.to.skipped.size;
  more.to.receive(forged(more.from, { pn: 9_000 }));
  more.from.send('the same number');
  assert.equal(more.to.skipped.size, known + 2_000 + 1, 'bounded, and one lost message');
  assert.equal(more.to.receive(more.from.send('goes on')), 'goes on');
  assert.equal(more.from.receive(more.to.send('and back')), 'and back');
});

test('floods of skipped keys are bounded: 2,000 a chain and 5 chains', () => {
  const { a, b } = talked(84, 1);
  for (let i = 0; i < 8; i++) {
    a.receive(b.send('step'));
    a.send('');
    b.receive(forged(a, { n: 1, pn: 5_000 }));
    a.send('');
    const { sending } = a.session;
    if (sending === null) throw new TypeError('no chain');
    assert.ok(b.skipped.size <= 5 * 2_000, `${b.skipped.size}`);
  }
  assert.ok(b.skipped.size > 4 * 1_990, `${b.skipped.size}`);
});

test('two chains of the peer in a row are not followed: it has to hear the answer first', () => {
  const { from, to } = fresh(85);
  to.receive(from.send('its chain'));
  assert.equal(to.session.ratchetSecret, null);
  const { nextSendingHeaderKey } = from.session;
  const sending = { ratchetKey: new Uint8Array(32).fill(9), headerKey: nextSendingHeaderKey, n: 0 };
  const chainKey = new Uint8Array(32);
  const liar = from.restarted();
  liar.session = { ...liar.session, sending: { ...sending, chainKey } };
  refuses({ from, to }, forged(liar, {}), { code: 'NOT_FOR_THIS_SESSION' }, 'a second step');
});

test('a peer that breaks the rules of bodies loses that message alone', () => {
  const room = SMALL - 108;
  const pair = fresh(86);
  const { from } = pair;
  const body = (type: number, carried = NONE, content = bytesOf('x')): Uint8Array =>
    referenceBody(type, carried, content, room);
  const long = body(0);
  new DataView(long.buffer).setUint32(1, room - 4);
  const padded = body(0);
  padded[room - 1] = 1;
  for (const [what, bytes] of [
    ['type', body(3)],
    ['type', body(255)],
    ['content length', long],
    ['padding', padded],
    ['ones', new Uint8Array(room).fill(0xff)],
  ] as const) {
    refuses(pair, forged(from, {}, bytes), { code: 'MALFORMED', format: 'ratchet-body' }, what);
  }
});

for (const [name, provider] of [
  ['node', nodeProvider],
  ['noble', nobleProvider],
] as const) {
  test(`${name}: a key that ML-KEM refuses costs its message, and the session goes on`, () => {
    const { a, b } = talked(87, 1, provider);
    // until one of them waits for a proposal that the other has not made yet
    let [from, to] = [b, a];
    while (to.session.pq.mode !== 'wait' || from.session.pq.mode !== 'due') {
      to.receive(from.send('on'));
      [from, to] = [to, from];
    }
    from.send('the proposal, lost');
    const epoch = Uint8Array.of(0, 0, 0, to.session.pq.epoch + 1);
    const refused = new Uint8Array(1_184).fill(0xff); // coefficients of 4,095, beyond the modulus
    const carried = new Uint8Array([...epoch, ...refused]);
    const message = forged(from, {}, referenceBody(1, carried, bytesOf('x'), SMALL - 108));
    refuses({ from, to }, message, refusedBy('ml-kem-768'), 'a refused key');
  });
}

test('attachments of other epochs, or out of turn, are ignored', () => {
  const { from, to } = fresh(88);
  to.receive(from.send('its chain'));
  const { pq } = to.session;
  const key = nodeProvider.mlKem768.keyPair(new Uint8Array(64)).publicKey;
  const ciphertext = new Uint8Array(1_088);
  const epochs = [0, pq.epoch - 1, pq.epoch, pq.epoch + 2, 2 ** 24];
  for (const epoch of epochs) {
    const named = new Uint8Array(4);
    new DataView(named.buffer).setUint32(0, epoch);
    for (const [type, carried] of [
      [1, key],
      [2, ciphertext],
    ] as const) {
      const body = referenceBody(type, new Uint8Array([...named, ...carried]), bytesOf('x'), SMALL - 108);
      const message = forged(from, {}, body);
      from.send('the same number');
      to.receive(message);
      assert.deepEqual(to.session.pq, pq);
    }
  }
});
