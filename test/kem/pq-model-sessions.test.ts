/**
 * Every order of a few messages between two real sessions, from each phase of the PQ epochs: every message is read once,
 * whatever came before it, the epochs go on, and no key and nonce serve twice even when a side goes on from an older
 * state. Shows order, not cryptography: the primitives are symbols.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NonceReusedError } from '../../sim/nonce-book.ts';
import {
  canSend,
  Laboratory,
  type Mistakes,
  type SessionWorld,
  Violation,
  worldName,
} from './pq-model-sessions.ts';

interface Bounds {
  /** Messages that are made from the first world on, by both sides together. */
  readonly messages: number;
  /** What a side may do that came back from an older state. */
  readonly restored: 'never' | 'silent' | 'sends';
}

const BOTH = [0, 1] as const;
/** Bodies are longer, all other inputs of HMAC shorter. */
const BODY_BYTES = 3_000;
/** Rounds of ping-pong within which an epoch passes. */
const ROUNDS = 12;

const epochOf = ({ parties }: SessionWorld): number =>
  Math.min(...parties.map(({ session }) => session.pq.epoch));

/** The world after `count` messages, one at a time from each side; all arrived and are forgotten. */
function after(laboratory: Laboratory, count: number): SessionWorld {
  let world = laboratory.start();
  for (let i = 0; i < count; i++) world = exchange(laboratory, world, (i % 2) as 0 | 1);
  const [a, b] = world.parties;
  return { ...world, sent: [], parties: [laboratory.withoutPast(a), laboratory.withoutPast(b)] };
}

/** One new message that arrives. */
function exchange(laboratory: Laboratory, world: SessionWorld, who: 0 | 1): SessionWorld {
  const sent = laboratory.send(world, who);
  const message = sent.sent.at(-1);
  const next = message === undefined ? null : laboratory.deliver(sent, message);
  if (next === null) throw new Violation('a new message is not read');
  return next;
}

/** Throws unless the epochs advance when everything that was sent is lost and what is sent from now on arrives. */
function mustAdvance(laboratory: Laboratory, world: SessionWorld): void {
  let later = world;
  for (let round = 0; round < ROUNDS; round++) {
    for (const who of BOTH) if (canSend(later.parties[who])) later = exchange(laboratory, later, who);
    if (epochOf(later) > epochOf(world)) return;
  }
  throw new Violation('the epochs do not advance any more');
}

/** What of a world decides how its epochs go on when all that is on its way is lost. */
function phaseOf({ parties }: SessionWorld): string {
  return parties
    .map(({ session: { pq, sending, receiving } }) =>
      [pq.mode, pq.epoch, sending === null, receiving === null, receiving?.id].join(),
    )
    .join('/');
}

function explore(laboratory: Laboratory, first: SessionWorld, bounds: Bounds, phases: Set<string>): number {
  const madeBefore = first.made[0] + first.made[1];
  const names = new Set([worldName(first)]);
  const queue = [first];
  const visit = (world: SessionWorld): void => {
    const name = worldName(world);
    if (names.has(name)) return;
    names.add(name);
    queue.push(world);
  };
  for (const world of queue) {
    const whole = world.restored === null;
    const phase = phaseOf(world);
    if (whole && !phases.has(phase)) {
      phases.add(phase);
      mustAdvance(laboratory, world);
    }
    for (const message of world.sent) {
      const next = laboratory.deliver(world, message);
      const wasGot = world.parties[message.from === 0 ? 1 : 0].got.has(message.content);
      if (next !== null) visit(next);
      else if (whole && !wasGot) throw new Violation('a message is not read');
    }
    for (const who of BOTH) {
      const room = world.made[0] + world.made[1] - madeBefore < bounds.messages;
      const may = bounds.restored === 'sends' || world.restored !== who;
      if (room && may && canSend(world.parties[who])) visit(laboratory.send(world, who));
      if (bounds.restored === 'never' || !whole) continue;
      const party = world.parties[who];
      const saved = world.saved[who];
      if (world.saved.every((none) => none === null)) {
        visit({ ...world, saved: world.saved.with(who, party) as unknown as SessionWorld['saved'] });
      } else if (saved !== null && saved !== party) {
        const parties = world.parties.with(who, saved) as unknown as SessionWorld['parties'];
        visit({ ...world, parties, saved: [null, null], restored: who });
      }
    }
  }
  return queue.length;
}

/** Explores from the start, and from the phases of the epochs after it: as many messages were exchanged as `counts` say. */
function exploreFrom(counts: readonly number[], bounds: Bounds, mistakes: Mistakes = {}) {
  const laboratory = new Laboratory(mistakes);
  const phases = new Set<string>();
  let states = 0;
  for (const count of counts) states += explore(laboratory, after(laboratory, count), bounds, phases);
  return { states, phases: phases.size, transitions: laboratory.transitions };
}

test('every order of messages is read, each message once, and the epochs go on', (t) => {
  const deep = exploreFrom([0, 3], { messages: 5, restored: 'never' });
  const wide = exploreFrom([1, 2, 4, 5, 6], { messages: 4, restored: 'never' });
  t.diagnostic(JSON.stringify({ deep, wide }));
  assert.ok(deep.states > 2_000 && wide.states > 1_500 && wide.phases >= 15);
});

test('a side that came back from an older state and is silent reads nothing wrong', (t) => {
  const figures = exploreFrom([0, 2, 3, 5], { messages: 4, restored: 'silent' });
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.states > 10_000);
});

test('a side that goes on from an older state never uses a key and nonce again', (t) => {
  const figures = exploreFrom([0, 2, 3, 5], { messages: 4, restored: 'sends' });
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.states > 10_000);
});

test('without the body in the salt, a key and nonce used again are told', () => {
  const unsalted: Mistakes = {
    provider: (provider) => ({
      ...provider,
      hmacSha256: (key, ...parts) =>
        provider.hmacSha256(key, ...parts.filter(({ length }) => length < BODY_BYTES)),
    }),
  };
  assert.throws(() => exploreFrom([0], { messages: 4, restored: 'sends' }, unsalted), NonceReusedError);
});

test('a skipped key that is not deleted is told', () => {
  const forgetful: Mistakes = { skipped: (changes) => ({ ...changes, used: null }) };
  assert.throws(() => exploreFrom([0], { messages: 4, restored: 'never' }, forgetful), {
    name: 'Violation',
    message: 'a message was delivered twice',
  });
});

test('a skipped key that is not kept is told', () => {
  const careless: Mistakes = { skipped: (changes) => ({ ...changes, added: [] }) };
  assert.throws(() => exploreFrom([0], { messages: 4, restored: 'never' }, careless), {
    name: 'Violation',
    message: 'a message is not read',
  });
});
