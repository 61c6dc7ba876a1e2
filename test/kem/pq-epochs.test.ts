/** The post-quantum epochs, step by step with a KEM of symbols: who proposes, what is sent, what is ignored. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerKey,
  attachmentOf,
  initiatorEpochs,
  type PqState,
  proposes,
  receiveAttachment,
  responderEpochs,
  stepReceiving,
  stepSending,
} from '../../src/kem/pq-epochs.ts';
import { CryptoError, type Kem } from '../../src/safety/crypto/provider.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { RandomBytes } from '../../src/safety/random.ts';

/** Key = ee ‖ seed; ciphertext = cc ‖ coins ‖ key; the secret is the ciphertext for who has the seed. */
class SymbolicKem implements Kem {
  coins = 0;

  keyPair(seed: Uint8Array): ReturnType<Kem['keyPair']> {
    const publicKey = Uint8Array.of(0xee, ...seed.subarray(0, 1));
    return {
      publicKey,
      decapsulate: (ciphertext) =>
        ciphertext[3] === publicKey[1] ? ciphertext.slice() : Uint8Array.of(0, ...ciphertext),
    };
  }

  encapsulate(key: Uint8Array): ReturnType<Kem['encapsulate']> {
    if (key[0] !== 0xee) throw new CryptoError('symbolic');
    const ciphertext = Uint8Array.of(0xcc, ++this.coins, ...key);
    return { ciphertext, sharedSecret: ciphertext.slice() };
  }
}

/** Counts up, so that each seed is another. */
function counting(): RandomBytes {
  let next = 0;
  return (size) => new Uint8Array(size).fill(++next);
}

const seed = new Uint8Array(64).fill(99);
const modes = (a: PqState, b: PqState): string => `${a.mode} ${a.epoch}, ${b.mode} ${b.epoch}`;

/** A number of a chain of the peer that a proposal answers. */
const IN_TURN = 1;

test('a round of ping-pong: an epoch in three messages, in turn', () => {
  const [kem, random] = [new SymbolicKem(), counting()];
  let a = initiatorEpochs(seed);
  let b = answerKey(kem, responderEpochs(), kem.keyPair(seed).publicKey);
  const secrets: [string[], string[]] = [[], []];
  const keep = (who: 0 | 1, secret: Uint8Array | null): void => {
    if (secret !== null) secrets[who].push(Buffer.from(secret).toString('hex'));
  };
  const trace: string[] = [];
  for (let i = 0; i < 12; i++) {
    const [fromIndex, toIndex] = i % 2 === 0 ? ([1, 0] as const) : ([0, 1] as const);
    const sent = stepSending(kem, random, fromIndex === 0 ? a : b, IN_TURN);
    keep(fromIndex, sent.secret);
    const read = stepReceiving(toIndex === 0 ? a : b, sent.state.epoch);
    assert.ok(read !== null);
    keep(toIndex, read.secret);
    const after = receiveAttachment(kem, read.state, attachmentOf(sent.state));
    [a, b] = fromIndex === 0 ? [sent.state, after] : [after, sent.state];
    trace.push(modes(a, b));
  }
  assert.deepEqual(trace.slice(0, 8), [
    'ready 0, answer 0',
    'wait 1, due 1',
    'answer 1, propose 1',
    'answer 1, ready 1',
    'due 2, wait 2',
    'propose 2, answer 2',
    'ready 2, answer 2',
    'wait 3, due 3',
  ]);
  assert.deepEqual(secrets[0], secrets[1]);
  assert.equal(new Set(secrets[0]).size, secrets[0].length, 'no secret twice');
  assert.equal(secrets[0].length, 4);
});

test('the initiator proposes odd epochs', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((epoch) => proposes('initiator', epoch)),
    [true, false, true, false],
  );
  for (const epoch of [1, 2, 7]) {
    assert.notEqual(proposes('initiator', epoch), proposes('responder', epoch));
  }
});

test('messages carry a key while it is proposed, a ciphertext while it is answered, and else nothing', () => {
  const [kem, random] = [new SymbolicKem(), counting()];
  assert.deepEqual(attachmentOf(initiatorEpochs(seed)), { type: 'none' }, 'the first key is in the bundle');
  assert.deepEqual(attachmentOf(responderEpochs()), { type: 'none' });
  const { state } = stepSending(kem, random, { mode: 'due', epoch: 4 }, IN_TURN);
  const carried = attachmentOf(state);
  assert.ok(carried.type === 'key' && carried.epoch === 5);
  assert.deepEqual(carried.key, kem.keyPair(new Uint8Array(64).fill(1)).publicKey);
  const answer = attachmentOf(answerKey(kem, { mode: 'wait', epoch: 4 }, carried.key));
  assert.ok(answer.type === 'ciphertext' && answer.epoch === 5);
  const ready = receiveAttachment(kem, state, answer);
  assert.equal(ready.mode, 'ready');
  assert.deepEqual(attachmentOf(ready), { type: 'none' });
});

test('a proposal that is due waits for each fourth chain of the peer, and an epoch that is ready for none', () => {
  const [kem, random] = [new SymbolicKem(), counting()];
  const due: PqState = { mode: 'due', epoch: 2 };
  const proposing: (number | null)[] = [];
  for (const peerChain of [null, ...Array.from({ length: 14 }, (_, i) => i)]) {
    const { state, secret } = stepSending(kem, random, due, peerChain);
    assert.equal(secret, null);
    if (state.mode === 'propose') proposing.push(peerChain);
    else assert.equal(state, due, 'the state itself');
    const ready = stepSending(kem, random, { mode: 'ready', epoch: 2, secret: seed }, peerChain);
    assert.deepEqual(ready, { state: { mode: 'wait', epoch: 3 }, secret: seed });
  }
  assert.deepEqual(proposing, [1, 5, 9, 13]);
  assert.equal(random(1)[0], 5, 'four draws: none while it waits');
});

test('a step that changes nothing returns the state itself', () => {
  const [kem, random] = [new SymbolicKem(), counting()];
  const { ciphertext, sharedSecret: secret } = kem.encapsulate(kem.keyPair(seed).publicKey);
  const states: PqState[] = [
    { mode: 'wait', epoch: 3 },
    { mode: 'answer', epoch: 3, ciphertext, secret },
    { mode: 'propose', epoch: 3, seed, key: seed, pair: null },
  ];
  for (const state of states) {
    for (const peerChain of [null, 0, IN_TURN]) {
      assert.deepEqual(stepSending(kem, random, state, peerChain), { state, secret: null });
    }
  }
  for (const state of [
    ...states,
    { mode: 'due', epoch: 3 },
    { mode: 'ready', epoch: 3, secret },
  ] as PqState[]) {
    assert.deepEqual(stepReceiving(state, 3), { state, secret: null });
    for (const epoch of [0, 2, 5, 2 ** 32 - 1]) assert.equal(stepReceiving(state, epoch), null);
    assert.equal(stepReceiving(state, 4) !== null, state.mode === 'answer');
    const ignored = [
      { type: 'none' },
      { type: 'key', epoch: 3, key: seed },
      { type: 'key', epoch: 5, key: seed },
      { type: 'ciphertext', epoch: 3, ciphertext },
      { type: 'ciphertext', epoch: 5, ciphertext },
      ...(state.mode === 'wait' ? [] : [{ type: 'key', epoch: 4, key: kem.keyPair(seed).publicKey }]),
      ...(state.mode === 'propose' ? [] : [{ type: 'ciphertext', epoch: 4, ciphertext }]),
    ] as const;
    for (const attachment of ignored) assert.equal(receiveAttachment(kem, state, attachment as never), state);
  }
});

test('another key for an epoch that was answered changes nothing', () => {
  const kem = new SymbolicKem();
  const [one, two] = [1, 2].map((fill) => kem.keyPair(new Uint8Array(64).fill(fill)).publicKey);
  const answered = receiveAttachment(
    kem,
    { mode: 'wait', epoch: 1 },
    { type: 'key', epoch: 2, key: one as Uint8Array },
  );
  assert.equal(answered.mode, 'answer');
  assert.equal(receiveAttachment(kem, answered, { type: 'key', epoch: 2, key: two as Uint8Array }), answered);
});

test('a refused key is an error and no state', () => {
  const wait: PqState = { mode: 'wait', epoch: 1 };
  const refused = { type: 'key', epoch: 2, key: new Uint8Array(1_184).fill(0xff) } as const;
  assert.throws(() => receiveAttachment(nodeProvider.mlKem768, wait, refused), CryptoError);
  assert.throws(() => receiveAttachment(new SymbolicKem(), wait, refused), CryptoError);
});

test('a proposal that was read from a row opens the answer as the one that was made does', () => {
  const kem = nodeProvider.mlKem768;
  const made = stepSending(kem, (size) => new Uint8Array(size).fill(5), { mode: 'due', epoch: 1 }, 1).state;
  assert.ok(made.mode === 'propose' && made.pair !== null && made.key !== null);
  const answered = answerKey(kem, { mode: 'wait', epoch: 1 }, made.key);
  const answer = attachmentOf(answered);
  const [one, two] = [made, { ...made, pair: null }].map((state) => receiveAttachment(kem, state, answer));
  assert.deepEqual(one, two);
  assert.ok(one?.mode === 'ready' && answered.mode === 'answer');
  assert.deepEqual(one.secret, answered.secret);
});
