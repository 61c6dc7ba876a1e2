/** The rules for the sessions of a contact: whatever the network does, both sides end on one session. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededNumbers } from '../../fuzz/mutate.ts';
import type { ModelMessage } from './contact-model.ts';
import { type Plan, Story } from './contact-story.ts';

/** Random schedules of each kind. */
const SCHEDULES = process.env['KITH_LONG'] === undefined ? 200 : 20_000;

/** Runs a random schedule, then lets all settle, and returns the story. */
function run(plan: Plan, story: Story): void {
  const next = seededNumbers(plan.seed);
  const pick = (bound: number): number => next() % bound;
  const openings = [plan.openings, plan.openings];
  const forgeries = [plan.forgeries, plan.forgeries];
  const losses = [plan.losesState, plan.losesState];
  const steps = 4 + pick(40) + (plan.openings > 1 ? pick(100) : 0);
  for (let i = 0; i < steps; i++) {
    const side = pick(2);
    const what = pick(16);
    const isBurst = plan.openings > 3 && pick(6) === 0;
    if ((what === 0 || isBurst) && (openings[side] as number) > 0) {
      openings[side] = (openings[side] as number) - 1;
      story.open(side);
    } else if (what === 1 && (losses[side] as number) > 0) {
      losses[side] = (losses[side] as number) - 1;
      story.lose(side);
    } else if ((what < 2 || isBurst) && (forgeries[side] as number) > 0) {
      forgeries[side] = (forgeries[side] as number) - 1;
      story.forge(side);
    } else if (what === 2 && plan.losesMessages && pick(4) === 0) story.waitLong();
    else if (what < 5) story.send(side);
    else if (what < 9) story.reply(side);
    else if (story.flight.length > 0) {
      const at = pick(story.flight.length);
      if (plan.losesMessages && pick(4) === 0) story.drop(at);
      else story.deliver(at);
    }
  }
  // the thief alone would be believed, by both
  if (story.isForged(0) && story.isForged(1)) story.open(0);
  const refusedBefore = [0, 0];
  for (let round = 0; round < 6; round++) {
    if (plan.losesMessages) story.waitLong();
    for (const side of [0, 1] as const) {
      const { refused } = story.nodes[side];
      // as the error says: when messages go on to be refused, a new session is opened
      const refuses = isForgetful(plan) && round > 0 && refused > (refusedBefore[side] as number);
      refusedBefore[side] = refused;
      const talks = plan.talkers.includes(side);
      if (refuses || (talks && story.liveId(side) === undefined)) story.open(side);
      else if (talks) story.send(side);
    }
    story.settle(pick);
  }
}

/** Whether openings may be gone that the other end still uses: there are more at a time than are kept, or they expire. */
function isForgetful({ openings, losesState, forgeries, expires }: Plan): boolean {
  return expires || openings + losesState + forgeries > 8;
}

function check(story: Story, plan: Plan): void {
  assert.equal(story.liveId(0), story.liveId(1), 'both ends use one session');
  assert.notEqual(story.liveId(0), undefined);
  assert.ok(!story.isForged(0), 'and it is their own');
  if (story.lost || isForgetful(plan)) return;
  story.waitLong();
  for (const { contact } of story.nodes) {
    const { candidates, replaced } = contact;
    const kept = plan.openings === 1 && plan.forgeries === 0 ? [...candidates, ...replaced] : replaced;
    assert.deepEqual(kept, [], 'nothing is kept for ever');
  }
  for (const side of [0, 1] as const) {
    assert.equal(story.nodes[side].refused, 0, `${side} refused nothing`);
    assert.deepEqual(
      story.nodes[(1 - side) as 0 | 1].received.toSorted((a, b) => a - b),
      story.sent[side],
      `all content of ${side} arrived`,
    );
  }
}

const PLAIN = { openings: 1, forgeries: 0, losesMessages: false, expires: false, losesState: 0 };

function follow(plan: Plan): void {
  const story = new Story(plan);
  try {
    run(plan, story);
    check(story, plan);
  } catch (error) {
    throw new Error(`${JSON.stringify(plan)}\n${story.log.join('\n')}`, { cause: error });
  }
}

function explore(some: Partial<Plan>): void {
  const kind = { ...PLAIN, ...some };
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    for (const talkers of [[0], [1], [0, 1]]) {
      // whoever lost everything has to say so until it is heard: nobody else knows
      if (kind.losesState > 0 && kind.losesMessages && talkers.length < 2) continue;
      // nor does anybody else know of a thief
      if (kind.forgeries > 0 && talkers.length < 2) continue;
      follow({ ...kind, talkers, seed });
    }
  }
}

describe('sessions of a contact', () => {
  test('simultaneous openings in any order end on one session and lose nothing', () => {
    explore({ openings: 1 });
  });

  test('the same with openings again and again', () => {
    explore({ openings: 3 });
    explore({ openings: 6 });
  });

  test('the same with loss of messages', () => {
    explore({ openings: 1, losesMessages: true });
    explore({ openings: 3, losesMessages: true });
    explore({ openings: 6, losesMessages: true });
    explore({ openings: 3, losesMessages: true, expires: true });
  });

  test('the same with restores from nothing on either side', () => {
    explore({ openings: 1, losesState: 1 });
    explore({ openings: 2, losesMessages: true, losesState: 2 });
    explore({ openings: 5, losesMessages: true, losesState: 3 });
    explore({ openings: 3, losesMessages: true, losesState: 1, expires: true });
  });

  test("a thief's openings in the name of both neither stay in use nor lose anything", () => {
    explore({ openings: 1, forgeries: 2 });
    explore({ openings: 4, forgeries: 4 });
    explore({ openings: 3, forgeries: 5, losesMessages: true });
  });

  test('with more openings than are kept, both end on one session once what is refused makes a side open anew', () => {
    explore({ openings: 3, forgeries: 12 });
    explore({ openings: 12 });
    explore({ openings: 6, forgeries: 12, losesMessages: true, losesState: 2 });
  });

  test('what is set aside stays: the peer may go on with it long after', () => {
    follow({ ...PLAIN, openings: 6, losesMessages: true, talkers: [0], seed: 1_122 });
    follow({ ...PLAIN, openings: 2, losesMessages: true, losesState: 2, talkers: [0, 1], seed: 5_243 });
  });

  test('as many openings as are kept, the newest of them first or anywhere', () => {
    for (let count = 2; count <= 8; count++) {
      for (let newest = 0; newest < count; newest++) {
        for (const opener of [0, 1]) {
          const story = new Story({ expires: false });
          // something is live before
          story.open(1 - opener);
          story.settle(() => 0);
          for (let i = 0; i < count; i++) story.open(opener);
          const [last] = story.flight.splice(count - 1, 1) as [ModelMessage];
          story.flight.splice(newest, 0, last);
          while (story.flight.length > 0) story.deliver(0);
          story.settle(() => 0);
          assert.equal(story.liveId(1 - opener), story.liveId(opener), story.log.join('\n'));
          assert.equal(story.liveId(opener), last.transcript[0]);
        }
      }
    }
  });

  test('ends that differ, as they never should, send no replies without end', () => {
    const story = new Story({ expires: false });
    for (let i = 0; i < 2; i++) {
      story.open(0);
      story.settle(() => 0);
    }
    const [{ contact }, { contact: other }] = story.nodes;
    const [older, newer] = [contact.replaced[0], contact.live];
    assert.ok(older !== undefined && newer !== null && other.live !== null);
    story.nodes[0].contact = { ...contact, live: older, replaced: [newer] };
    for (const side of [0, 1]) story.send(side);
    story.settle(() => 0);
    assert.notEqual(story.liveId(0), story.liveId(1));
  });
});
