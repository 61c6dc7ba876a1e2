/** A schedule of two contacts of the model, and what happened in it. */

import assert from 'node:assert/strict';
import { BUNDLE_LIFE_SECONDS } from '../../src/kem/bundle.ts';
import { KEEP_REPLACED_MS, withoutExpired } from '../../src/kem/contact-sessions.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { type ModelMessage, ModelNode } from './contact-model.ts';

export interface Plan {
  readonly seed: number;
  /** Openings that each side makes at most. */
  readonly openings: number;
  readonly losesMessages: boolean;
  /** Openings are dropped when their bundles have expired. */
  readonly expires: boolean;
  /** Openings that a thief of the prekeys makes in the name of each side at most. */
  readonly forgeries: number;
  /** Restores from nothing that each side goes through at most. */
  readonly losesState: number;
  /** Who has something to say at the end. */
  readonly talkers: readonly number[];
}

/** What happened, for the message of a failure. */
export class Story {
  readonly #expires: boolean;
  readonly nodes: readonly [ModelNode, ModelNode] = [new ModelNode(0), new ModelNode(1)];
  readonly log: string[] = [];
  readonly flight: ModelMessage[] = [];
  readonly sent: [number[], number[]] = [[], []];
  lost = false;
  readonly #forged = new Set<number>();
  #ids = 0;
  #contents = 0;
  #now = 0;

  constructor({ expires }: Pick<Plan, 'expires'>) {
    this.#expires = expires;
  }

  open(side: number): void {
    const node = this.#node(side);
    const id = ++this.#ids;
    node.open(id, this.#node(1 - side), this.#now++, this.#expires ? BUNDLE_LIFE_SECONDS : Infinity);
    this.log.push(`${side} opens ${id}`);
    this.send(side);
  }

  send(side: number): void {
    const content = ++this.#contents;
    const messages = this.#node(side).send(content);
    if (messages.length > 0 && !this.isForged(side)) this.sent[side as 0 | 1].push(content);
    this.#put(messages);
  }

  /** What a thief of the prekeys of `to` sends in the name of the other. */
  forge(to: number): void {
    const id = ++this.#ids;
    this.#forged.add(id);
    this.log.push(`forged ${id} to ${to}`);
    this.#put([this.#node(to).forgery(id, 0)]);
  }

  /** Whether a side uses a session of the thief. */
  isForged(side: number): boolean {
    return this.#forged.has(this.liveId(side) ?? 0);
  }

  reply(side: number): boolean {
    const replies = this.#node(side).replies(this.#now);
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
    for (const [side, node] of this.nodes.entries()) {
      const before = node.contact;
      node.contact = withoutExpired(before, this.#now);
      this.log.push(`long after, ${side}: ${this.live(side)}`);
      if (before.live !== null && node.contact.live === null) {
        this.lost = true; // the answer, and what is written under it
        this.open(side);
      }
    }
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

  /** The thief answers what comes to it once, and the peer never sees it. */
  #put(messages: readonly ModelMessage[]): void {
    for (const message of messages) {
      const { to, chain } = message;
      const id = message.transcript[0] as number;
      if (message.isForged || !this.#forged.has(id)) this.flight.push(message);
      else if (chain === 0) this.flight.push(this.#node(1 - to).forgery(id, 1));
    }
  }
}
