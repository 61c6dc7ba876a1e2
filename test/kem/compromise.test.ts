/**
 * What a stolen session opens: nothing that was read or sent before; and of what comes after, nothing that lies behind
 * a classical round trip (for who cannot compute discrete logarithms) or behind a post-quantum epoch begun after the
 * theft (for who can). The attacker is shown to read what lies before, so that its failures mean something.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attacker, type Powers } from './compromise-attacker.ts';
import { play, type Recorded, type Scene, type Stolen } from './compromise-scene.ts';

const STEPS = 100;
const scenes = [1, 2].map((seed) => play(STEPS, seed));
/** The thefts that are tried: attackers are slow. */
const EVERY = 15;
const cases = scenes.flatMap((scene) =>
  scene.thefts.filter((_, i) => i % EVERY === 0).map((stolen) => ({ scene, stolen })),
);

type PowersOf = (scene: Scene) => Powers;
const attacks = new Map<PowersOf, Map<Stolen, Map<number, string>>>();

/** What an attacker opens; each attack is made once. */
function attack(scene: Scene, stolen: Stolen, powersOf: PowersOf): Map<number, string> {
  const made = attacks.get(powersOf) ?? new Map<Stolen, Map<number, string>>();
  attacks.set(powersOf, made);
  const before = made.get(stolen);
  if (before !== undefined) return before;
  const attacker = new Attacker(stolen.session, stolen.rows, powersOf(scene));
  attacker.knowKemKey(scene.answerKey);
  const opened = attacker.readAll(scene.messages.map(({ bytes }) => bytes));
  for (const [place, content] of opened) assert.equal(content, scene.messages[place]?.content);
  made.set(stolen, opened);
  return opened;
}

/** Whether the side from which it was stolen had sent or read the message. */
const isPast = ({ at, side }: Stolen, { from, sentAt, readAt }: Recorded): boolean =>
  sentAt <= at && (from === side || (readAt !== null && readAt <= at));

/** The first epoch that was begun after the theft. */
const healingEpoch = ({ begun }: Scene, { at }: Stolen): number => {
  const epoch = begun.findIndex((step) => step > at);
  return epoch === -1 ? Number.POSITIVE_INFINITY : epoch;
};

/** The last epoch whose secret, or the key to it, is in what was stolen. */
const knownEpoch = ({ session: { pq } }: Stolen): number =>
  pq.epoch + (pq.mode === 'propose' || pq.mode === 'ready' || pq.mode === 'answer' ? 1 : 0);

/** The last root step for which a stolen ratchet secret does: the peer's next one, if it is the peer's turn. */
const knownRootStep = ({ session, rootStep, side }: Stolen): number => {
  const next = rootStep + 1;
  const isPeers = (next % 2 === 1) !== (side === 0);
  return isPeers && session.ratchetSecret !== null ? next : rootStep;
};

/** Chains of the peer that can still be read, at the least: four beside the newest. */
const CHAINS = 4;

interface Count {
  opened: number;
  shut: number;
}

/** Every message must be opened, must not be, or either, by `judge`; and there are plenty of the first two. */
function judgeAll(
  powersOf: PowersOf,
  judge: (scene: Scene, stolen: Stolen, message: Recorded) => boolean | null,
): Count {
  const count = { opened: 0, shut: 0 };
  for (const { scene, stolen } of cases) {
    const opened = attack(scene, stolen, powersOf);
    for (const [place, message] of scene.messages.entries()) {
      const expected = judge(scene, stolen, message);
      if (expected === null) continue;
      const where = `stolen from ${stolen.side} at ${stolen.at}, sent by ${message.from} at ${message.sentAt}`;
      assert.equal(opened.has(place), expected, where);
      if (expected) count.opened++;
      else count.shut++;
    }
  }
  return count;
}

const passive = (): Powers => ({});
const logarithms = ({ discreteLog }: Scene): Powers => ({ discreteLog });
const lattices = ({ kemSeed }: Scene): Powers => ({ kemSeed });
const everything = ({ discreteLog, kemSeed }: Scene): Powers => ({ discreteLog, kemSeed });

test('the conversations have epochs, steps, losses and skipped keys enough', () => {
  for (const { messages, begun, thefts } of scenes) {
    assert.ok(begun.length >= 5, `${begun.length} epochs`);
    assert.ok(messages.some(({ readAt }) => readAt === null));
    assert.ok(thefts.some(({ rows }) => rows.length >= 3));
  }
});

test('nothing that was sent or read before the theft is opened, whatever else the thief can do', (t) => {
  const count = judgeAll(everything, (_, stolen, message) => (isPast(stolen, message) ? false : null));
  t.diagnostic(JSON.stringify(count));
  assert.ok(count.shut > 400);
});

test('the stolen bytes hold no key that leads to what was sent or read before', (t) => {
  let [absent, present] = [0, 0];
  for (const scene of scenes) {
    for (const stolen of scene.thefts) {
      for (const message of scene.messages) {
        const holds = message.keys.some((key) => stolen.bytes.includes(key));
        if (isPast(stolen, message)) {
          assert.ok(!holds, `stolen at ${stolen.at}, sent at ${message.sentAt}`);
          absent++;
        } else if (holds) {
          present++;
        }
      }
    }
  }
  t.diagnostic(JSON.stringify({ absent, present }));
  assert.ok(absent > 1_000 && present > 100, 'keys of messages to come are found, so the search works');
});

test('what was on its way at the theft is opened: its keys have to be there', (t) => {
  const count = judgeAll(passive, (_, stolen, message) => {
    const isAwaited = message.from !== stolen.side && message.sentAt <= stolen.at && !isPast(stolen, message);
    const isReadable = message.rootStep <= stolen.rootStep && message.rootStep > stolen.rootStep - 2 * CHAINS;
    return isAwaited && isReadable ? true : null;
  });
  t.diagnostic(JSON.stringify(count));
  assert.ok(count.opened > 20);
});

test('one classical round trip shuts out who cannot compute discrete logarithms, and no less does', (t) => {
  for (const powersOf of [passive, lattices]) {
    const count = judgeAll(powersOf, (_, stolen, { sentAt, rootStep, epoch }) => {
      if (sentAt <= stolen.at) return null;
      if (rootStep > knownRootStep(stolen)) return false;
      return epoch <= knownEpoch(stolen) ? true : null;
    });
    t.diagnostic(JSON.stringify(count));
    assert.ok(count.opened > 50 && count.shut > 500);
  }
});

test('a post-quantum epoch begun after the theft shuts out who can, and no less does', (t) => {
  const count = judgeAll(logarithms, (scene, stolen, { sentAt, epoch }) => {
    if (sentAt <= stolen.at) return null;
    if (epoch >= healingEpoch(scene, stolen)) return false;
    return epoch <= knownEpoch(stolen) ? true : null;
  });
  t.diagnostic(JSON.stringify(count));
  assert.ok(count.opened > 50 && count.shut > 500);
});

test('who can do both is never shut out: the attacker follows as far as its powers go', (t) => {
  const count = judgeAll(everything, (_, stolen, { sentAt }) => (sentAt > stolen.at ? true : null));
  t.diagnostic(JSON.stringify(count));
  assert.ok(count.opened > 500);
});
