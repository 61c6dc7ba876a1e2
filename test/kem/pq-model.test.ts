/** Every order of events, within bounds, leaves the PQ epochs of both sides able to go on; and broken machines are told. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as epochs from '../../src/kem/pq-epochs.ts';
import type { PqStep } from '../../src/kem/pq-epochs.ts';
import type { Machine } from './pq-model.ts';
import { type Bounds, Counterexample, explore } from './pq-model-explorer.ts';

const DEEP: Bounds = { epochs: 8, crashes: 2, restores: false };
const RESTORED: Bounds = { epochs: 3, crashes: 1, restores: true };

test('under loss, repetition, every order and crashes the epochs never part and always go on', (t) => {
  const { states, transitions, epoch } = explore(epochs, DEEP);
  t.diagnostic(`${states} states, ${transitions} transitions`);
  assert.equal(epoch, DEEP.epochs);
  assert.ok(states > 1_000, `${states} states`);
});

test('a side that came back from an older state is never told of an epoch that it cannot be in', (t) => {
  const { states, transitions } = explore(epochs, RESTORED);
  t.diagnostic(`${states} states, ${transitions} transitions`);
  assert.ok(states > 3_000, `${states} states`);
});

/** The step, but into `wait` where it is into `due`. */
const waiting = (step: PqStep | null): PqStep | null =>
  step?.state.mode === 'due' ? { ...step, state: { ...step.state, mode: 'wait' } } : step;

/** Machines with one mistake each, and what the explorer says of it. */
const broken: readonly [what: string, machine: Partial<Machine>, violation: RegExp][] = [
  [
    'mixes as soon as the ciphertext comes',
    {
      receiveAttachment: (kem, state, attachment) => {
        const next = epochs.receiveAttachment(kem, state, attachment);
        return next.mode === 'ready' ? { mode: 'wait', epoch: next.epoch + 1 } : next;
      },
    },
    /derive different keys|within a chain/,
  ],
  [
    'sends the ciphertext once',
    {
      sent: (state) => (state.mode === 'answer' ? { ...state, ciphertext: new Uint8Array(0) } : state),
      attachmentOf: (state) =>
        state.mode === 'answer' && state.ciphertext.length === 0
          ? { type: 'none' }
          : epochs.attachmentOf(state),
    },
    /do not advance/,
  ],
  [
    'sends its key once',
    {
      sent: (state) => (state.mode === 'propose' ? { ...state, key: null } : state),
    },
    /do not advance/,
  ],
  [
    'proposes the next epoch at once, though it is the turn of the other',
    {
      stepSending: (kem, random, state, peerChain) => {
        const { state: next, secret } = epochs.stepSending(kem, random, state, peerChain);
        if (secret === null) return { state: next, secret };
        const proposed = epochs.stepSending(kem, random, { mode: 'due', epoch: next.epoch }, 1);
        return { state: proposed.state, secret };
      },
    },
    /do not advance/,
  ],
  [
    'finds no chain of the peer good for a proposal',
    { stepSending: (kem, random, state) => epochs.stepSending(kem, random, state, null) },
    /do not advance/,
  ],
  [
    'waits for the other when it is its own turn',
    { stepReceiving: (state, headerEpoch) => waiting(epochs.stepReceiving(state, headerEpoch)) },
    /do not advance/,
  ],
  [
    'answers each copy of a key anew',
    {
      receiveAttachment: (kem, state, attachment) =>
        epochs.receiveAttachment(
          kem,
          state.mode === 'answer' && attachment.type === 'key' ? { mode: 'wait', epoch: state.epoch } : state,
          attachment,
        ),
    },
    /derive different keys|two secrets/,
  ],
  [
    'enters an epoch when it has answered',
    {
      answerKey: (kem, state, key) => {
        const next = epochs.answerKey(kem, state, key);
        return next.mode === 'answer' ? { mode: 'due', epoch: next.epoch + 1 } : next;
      },
    },
    /derive different keys|within a chain|impossible epoch/,
  ],
  [
    'enters an epoch without its secret',
    {
      stepReceiving: (state, headerEpoch) => {
        const step = epochs.stepReceiving(state, headerEpoch);
        return step === null ? null : { ...step, secret: null };
      },
    },
    /derive different keys/,
  ],
  [
    'takes a key or ciphertext of any epoch',
    {
      receiveAttachment: (kem, state, attachment) =>
        epochs.receiveAttachment(
          kem,
          state,
          attachment.type === 'none' ? attachment : { ...attachment, epoch: state.epoch + 1 },
        ),
    },
    /impossible epoch|derive different keys/,
  ],
];

for (const [what, mistake, violation] of broken) {
  test(`a machine that ${what} is told`, (t) => {
    const machine: Machine = { ...epochs, ...mistake };
    assert.throws(
      () => explore(machine, DEEP),
      (error) => {
        assert.ok(error instanceof Counterexample);
        assert.match(error.message, violation);
        t.diagnostic(`${error.message.split(',')[0] as string}, ${error.path.length} actions`);
        return true;
      },
    );
  });
}
