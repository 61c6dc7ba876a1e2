/** Byte for byte what a second implementation gives (ratchet-reference.ts), and what the hedged salt promises. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { answerFirstEpoch, openAsInitiator, openAsResponder } from '../../src/kem/session.ts';
import type { Provider } from '../../src/safety/crypto/provider.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { seededRandom } from '../dht/seeded-random.ts';
import { beginning, bytesOf, ENVELOPED, hex, Party, SMALL, talked, textOf } from './ratchet-pair.ts';
import { ReferenceParty } from './ratchet-reference.ts';

/** Noble with the coins of encapsulations drawn from a seed. */
function seededKem(random: (size: number) => Uint8Array): Provider {
  const { mlKem768 } = nobleProvider;
  return {
    ...nobleProvider,
    mlKem768: { ...mlKem768, encapsulate: (key) => mlKem768.encapsulate(key, random(32)) },
  };
}

test('both implementations give the same bytes through several epochs, and read each other', () => {
  const { transcript, keys, prekey, answerSeed, opening } = beginning(30);
  const remoteRatchetKey = x25519.getPublicKey(prekey);
  const a = new Party(
    { provider: seededKem(seededRandom(41)), random: seededRandom(31) },
    openAsInitiator({ transcript, keys, remoteRatchetKey, answerSeed, opening }),
  );
  const b = new Party(
    { provider: seededKem(seededRandom(42)), random: seededRandom(32) },
    openAsResponder({ transcript, keys, ratchetSecret: prekey }),
  );
  const { rootKey, initiatorHeaderKey, responderHeaderKey } = keys;
  const ra = new ReferenceParty(transcript, rootKey, initiatorHeaderKey, responderHeaderKey);
  const rb = new ReferenceParty(transcript, rootKey, responderHeaderKey, initiatorHeaderKey);
  [ra.remote, ra.proposed, rb.secret] = [remoteRatchetKey, { seed: answerSeed, key: null }, prekey];
  const randoms = { a: seededRandom(31), b: seededRandom(32) };
  const coins = { a: seededRandom(41), b: seededRandom(42) };

  const say = (who: 'a' | 'b', content: string, size: number): void => {
    const [from, to, rfrom, rto] = who === 'a' ? [a, b, ra, rb] : [b, a, rb, ra];
    const message = from.send(content, size);
    assert.equal(hex(message), hex(rfrom.encrypt(bytesOf(content), size, randoms[who])));
    assert.equal(to.receive(message), content);
    assert.equal(textOf(rto.decrypt(message, coins[who === 'a' ? 'b' : 'a'])), content);
  };
  say('a', 'first', ENVELOPED);
  const answerKey = ml_kem768.keygen(answerSeed).publicKey;
  b.session = answerFirstEpoch(b.p, b.session, answerKey);
  rb.answer(answerKey, coins.b(32));
  const chance = seededChance(3);
  for (let i = 0; i < 60; i++) say(chance() < 0.5 ? 'a' : 'b', `message ${i}`, i % 7 === 0 ? 8_128 : SMALL);
  assert.ok(a.session.pq.epoch >= 4, `${a.session.pq.epoch}`);
  for (const [party, reference] of [
    [a, ra],
    [b, rb],
  ] as const) {
    assert.equal(party.session.pq.epoch, reference.epoch);
    const newest = party.streams.at(-1);
    const given = party === a ? [newest?.send, newest?.receive] : [newest?.receive, newest?.send];
    assert.deepEqual(
      given.map((key) => hex(key as Uint8Array)),
      reference.streams.slice(0, 2).map(hex),
    );
  }
});

/** Encrypts twice from the same bytes of a state, with the same randomness. */
function twice(
  { a, b }: { a: Party; b: Party },
  first: string,
  second: string,
  sending: boolean,
): { messages: Uint8Array[]; used: string[] } {
  if (!sending) a.receive(b.send('so that a step is due'));
  assert.equal(a.session.sending !== null, sending);
  const state = encodeSession(a.session);
  const used: string[] = [];
  const provider: Provider = {
    ...nodeProvider,
    aes256Gcm: {
      ...nodeProvider.aes256Gcm,
      seal(key, nonce, aad, ...plaintext) {
        used.push(`${hex(key)} ${hex(nonce)}`);
        return nodeProvider.aes256Gcm.seal(key, nonce, aad, ...plaintext);
      },
    },
  };
  const messages = [first, second].map(
    (content) =>
      encrypt({ provider, random: seededRandom(5) }, decodeSession(state), bytesOf(content), SMALL).message,
  );
  return { messages, used };
}

test('one state and one randomness give the same message for the same body, else other keys and nonces', () => {
  for (const sending of [true, false]) {
    const same = twice(talked(33, 2), 'pay 10', 'pay 10', sending);
    assert.equal(hex(same.messages[0] as Uint8Array), hex(same.messages[1] as Uint8Array));
    const { messages, used } = twice(talked(33, 2), 'pay 10', 'pay 99', sending);
    const [one, two] = messages as [Uint8Array, Uint8Array];
    assert.notEqual(hex(one.subarray(0, 12)), hex(two.subarray(0, 12)), 'header nonces differ');
    const [header1, body1, header2, body2] = used as [string, string, string, string];
    assert.equal(header1.slice(0, 64), header2.slice(0, 64), 'under one header key');
    assert.notEqual(body1.slice(0, 64), body2.slice(0, 64), 'body keys differ');
    assert.notEqual(body1.slice(65), body2.slice(65), 'body nonces differ');
  }
});

test('both bodies of one state are of one message to the reader, who takes either and not both', () => {
  const pair = talked(33, 2);
  const { messages } = twice(pair, 'pay 10', 'pay 99', true);
  const { b } = pair;
  assert.equal(b.receive(messages[1] as Uint8Array), 'pay 99');
  assert.throws(() => b.receive(messages[0] as Uint8Array), { code: 'ALREADY_RECEIVED' });
});

test('a header says nothing under another session or key', () => {
  const { a } = talked(34, 1);
  const { sending, transcript } = a.session;
  const message = a.send('x');
  const [nonce, sealed] = [message.subarray(0, 12), message.subarray(12, 92)];
  const headerKey = sending?.headerKey as Uint8Array;
  assert.equal(gcm(headerKey, nonce, transcript).decrypt(sealed).length, 64);
  assert.throws(() => gcm(headerKey, nonce, new Uint8Array(32)).decrypt(sealed));
});
