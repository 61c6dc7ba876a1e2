/** The rules for the sessions of a contact: whatever the network does, both sides end on one session. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededNumbers } from '../../fuzz/mutate.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { KEEP_REPLACED_MS, withoutExpired } from '../../src/kem/contact-sessions.ts';
import { type ModelMessage, ModelNode } from './contact-model.ts';

/** Random schedules of each kind. */
const SCHEDULES = process.env['KITH_LONG'] === undefined ? 600 : 20_000;

interface Plan {
  readonly seed: number;
  /** Openings that each side makes at most. */
  readonly openings: number;
  readonly losesMessages: boolean;
  /** Restores from nothing that each side goes through at most. */
  readonly losesState: number;
  /** Who has something to say at the end. */
  readonly talkers: readonly number[];
}

/** What happened, for the message of a failure. */
class Story {
  readonly nodes: readonly [ModelNode, ModelNode] = [new ModelNode(0), new ModelNode(1)];
  readonly log: string[] = [];
  readonly flight: ModelMessage[] = [];
  readonly sent: [number[], number[]] = [[], []];
  lost = false;
  #ids = 0;
  #contents = 0;
  #now = 0;

  open(side: number): void {
    const node = this.#node(side);
    const id = ++this.#ids;
    node.open(id, this.#node(1 - side), this.#now++);
    this.log.push(`${side} opens ${id}`);
    this.send(side);
  }

  send(side: number): void {
    const content = ++this.#contents;
    const messages = this.#node(side).send(content);
    if (messages.length > 0) this.sent[side as 0 | 1].push(content);
    this.#put(messages);
  }

  reply(side: number): boolean {
    const replies = this.#node(side).replies();
    this.#put(replies);
    return replies.length > 0;
  }

  deliver(at: number): void {
    const [message] = this.flight.splice(at, 1) as [ModelMessage];
    const { to, transcript, epoch, content } = message;
    this.#node(to).receive(message, this.#now++);
    this.log.push(`${to} gets ${content ?? 'reply'} of ${transcript[0]}, epoch ${epoch}: ${this.live(to)}`);
  }

  drop(at: number): void {
    const [message] = this.flight.splice(at, 1) as [ModelMessage];
    this.log.push(`lost: ${message.content ?? 'reply'} of ${message.transcript[0]}`);
    this.lost = true;
  }

  lose(side: number): void {
    this.#node(side).lose();
    this.log.push(`${side} loses everything`);
    this.lost = true;
    this.open(side);
  }

  /** So long that no mail is left on its way, and what may go is gone. */
  waitLong(): void {
    while (this.flight.length > 0) this.drop(0);
    this.#now += 2 * KEEP_REPLACED_MS;
    for (const node of this.nodes) node.contact = withoutExpired(node.contact, this.#now);
    this.log.push(`long after: ${this.live(0)}; ${this.live(1)}`);
  }

  /** Everything arrives, and what is owed is sent, until nothing happens any more. */
  settle(pick: (bound: number) => number): void {
    for (let steps = 0; ; steps++) {
      assert.ok(steps < 500, 'no end of replies');
      if (this.flight.length > 0) this.deliver(pick(this.flight.length));
      else if (![0, 1].map((side) => this.reply(side)).includes(true)) return;
    }
  }

  live(side: number): string {
    const { live, aside, candidates, replaced } = this.#node(side).contact;
    const name = (entry: typeof live): string => (entry === null ? '-' : toHex(entry.session.transcript));
    const names = (entries: typeof candidates): string => entries.map(name).join();
    return `${name(live)} aside ${name(aside)} candidates ${names(candidates)} replaced ${names(replaced)}`;
  }

  liveId(side: number): number | undefined {
    return this.#node(side).contact.live?.session.transcript[0];
  }

  #node(side: number): ModelNode {
    return this.nodes[side as 0 | 1];
  }

  #put(messages: readonly ModelMessage[]): void {
    this.flight.push(...messages);
  }
}

/** Runs a random schedule, then lets all settle, and returns the story. */
function run(plan: Plan, story: Story): void {
  const next = seededNumbers(plan.seed);
  const pick = (bound: number): number => next() % bound;
  const openings = [plan.openings, plan.openings];
  const losses = [plan.losesState, plan.losesState];
  const steps = 4 + pick(40) + (plan.openings > 1 ? pick(100) : 0);
  for (let i = 0; i < steps; i++) {
    const side = pick(2);
    const what = pick(16);
    if (what === 0 && (openings[side] as number) > 0) {
      openings[side] = (openings[side] as number) - 1;
      story.open(side);
    } else if (what === 1 && (losses[side] as number) > 0) {
      losses[side] = (losses[side] as number) - 1;
      story.lose(side);
    } else if (what === 2 && plan.losesMessages && pick(4) === 0) story.waitLong();
    else if (what < 5) story.send(side);
    else if (what < 9) story.reply(side);
    else if (story.flight.length > 0) {
      const at = pick(story.flight.length);
      if (plan.losesMessages && pick(4) === 0) story.drop(at);
      else story.deliver(at);
    }
  }
  for (let round = 0; round < 6; round++) {
    if (plan.losesMessages) story.waitLong();
    for (const side of plan.talkers) {
      if (story.liveId(side) === undefined) story.open(side);
      else story.send(side);
    }
    story.settle(pick);
  }
}

function check(story: Story): void {
  assert.equal(story.liveId(0), story.liveId(1), 'both ends use one session');
  assert.notEqual(story.liveId(0), undefined);
  if (story.lost) return;
  story.waitLong();
  for (const { contact } of story.nodes) assert.deepEqual(contact.replaced, [], 'nothing is kept for ever');
  for (const side of [0, 1] as const) {
    assert.equal(story.nodes[side].refused, 0, `${side} refused nothing`);
    assert.deepEqual(
      story.nodes[(1 - side) as 0 | 1].received.toSorted((a, b) => a - b),
      story.sent[side],
      `all content of ${side} arrived`,
    );
  }
}

function explore(kind: Omit<Plan, 'seed' | 'talkers'>): void {
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    for (const talkers of [[0], [1], [0, 1]]) {
      // whoever lost everything has to say so until it is heard: nobody else knows
      if (kind.losesState > 0 && kind.losesMessages && talkers.length < 2) continue;
      const plan = { ...kind, talkers, seed };
      const story = new Story();
      try {
        run(plan, story);
        check(story);
      } catch (error) {
        throw new Error(`${JSON.stringify(plan)}\n${story.log.join('\n')}`, { cause: error });
      }
    }
  }
}

describe('sessions of a contact', () => {
  test('simultaneous openings in any order end on one session and lose nothing', () => {
    explore({ openings: 1, losesMessages: false, losesState: 0 });
  });

  test('the same with openings again and again', () => {
    explore({ openings: 3, losesMessages: false, losesState: 0 });
  });

  test('the same with loss of messages', () => {
    explore({ openings: 1, losesMessages: true, losesState: 0 });
    explore({ openings: 3, losesMessages: true, losesState: 0 });
  });

  test('the same with restores from nothing on either side', () => {
    explore({ openings: 1, losesMessages: false, losesState: 1 });
    explore({ openings: 2, losesMessages: true, losesState: 2 });
  });
});
