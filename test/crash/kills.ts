/**
 * Real kill -9: two nodes' people in processes of their own, on a fake onion network in this one, write to each other all
 * the time while one or both are ended at any moment and started again. What was saved has to arrive once and in order.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import type { PublishedOnion, PublishOptions } from '../../src/transport-tor/onion-services.ts';
import type { Report, Said } from './parent.ts';

export interface KillsInit {
  readonly dir: string;
  readonly seed: number;
  readonly kills: number;
  /** Messages a second of each. */
  readonly rate: number;
  /** Longest time between two kills, ms. */
  readonly lifeMs: number;
  readonly progress: (kills: number) => void;
}

export interface KillsEnd {
  readonly kills: number;
  /** Lives that ended before they had begun to work. */
  readonly early: number;
  readonly messages: number;
  /** From the last start until all of it had arrived, ms. */
  readonly settledMs: number;
}

/** Longer than all pauses of links and delivery: a friend of today is dialed again within two minutes. */
const PATIENCE_MS = 240_000;

class Child {
  readonly name: string;
  readonly dir: string;
  readonly #tor: FakeTor;
  readonly #rate: number;
  readonly #onions = new Map<string, PublishedOnion>();
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #process: ChildProcess | undefined;
  #ready = Promise.withResolvers<void>();
  #isReady = false;
  #nextId = 1;

  constructor(name: string, dir: string, tor: FakeTor, rate: number) {
    this.name = name;
    this.dir = dir;
    this.#tor = tor;
    this.#rate = rate;
    mkdirSync(dir, { mode: 0o700 });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    this.#ready = Promise.withResolvers();
    this.#isReady = false;
    const args = [this.dir, this.#tor.socksPath, String(this.#rate)];
    const child = fork(join(import.meta.dirname, 'child.ts'), args, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process = child;
    child.on('message', (said: Said) => {
      if (child === this.#process) this.#hear(child, said);
    });
  }

  async ready(): Promise<void> {
    await Promise.race([
      this.#ready.promise,
      once(this.#process as ChildProcess, 'exit').then(([code]) => {
        throw new Error(`${this.name} ended by itself: ${String(code)}`);
      }),
    ]);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process as ChildProcess;
    this.#process = undefined;
    if (child.exitCode !== null) throw new Error(`${this.name} had ended by itself: ${child.exitCode}`);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    for (const answer of this.#asked.values()) answer.reject(new Error('killed'));
    this.#asked.clear();
  }

  async end(): Promise<void> {
    if (this.#process !== undefined && this.#process.exitCode === null) await this.kill();
  }

  call(method: string, ...args: unknown[]): Promise<unknown> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    answer.promise.catch(() => {}); // a kill may come before anybody waits
    this.#asked.set(id, answer);
    this.#process?.send({ type: 'call', id, method, args } satisfies Said);
    return answer.promise;
  }

  report(): Promise<Report> {
    return this.call('report') as Promise<Report>;
  }

  /** Texts whose `send` returned. */
  saved(): string[] {
    const path = join(this.dir, 'saved.log');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }

  #hear(child: ChildProcess, said: Said): void {
    if (said.type === 'ready') {
      this.#isReady = true;
      this.#ready.resolve();
    } else if (said.type === 'ask') {
      void this.#do(said.method, said.args).then(
        (value) => this.#answer(child, { type: 'answer', to: 'ask', id: said.id, value }),
        (error) =>
          this.#answer(child, { type: 'answer', to: 'ask', id: said.id, value: null, error: String(error) }),
      );
    } else if (said.type === 'answer') {
      const answer = this.#asked.get(said.id);
      this.#asked.delete(said.id);
      if (said.error === undefined) answer?.resolve(said.value);
      else answer?.reject(new Error(said.error));
    }
  }

  #answer(child: ChildProcess, said: Said): void {
    if (child === this.#process && child.connected) child.send(said, () => {});
  }

  async #do(method: string, args: readonly unknown[]): Promise<unknown> {
    const { services } = this.#tor;
    const [first, second, third] = args as [string, Uint8Array, PublishOptions];
    switch (method) {
      case 'publish': {
        const onion = await services.publish(second, third);
        this.#onions.set(first, onion);
        return onion.host;
      }
      case 'setClients':
        return this.#onions.get(first)?.setClients(args[1] as Uint8Array[]);
      case 'close':
        return this.#onions.get(first)?.close();
      case 'addClientKey':
        return services.addClientKey(first, second);
      case 'removeClientKey':
        return services.removeClientKey(first);
      default:
        throw new Error(`no method ${method}`);
    }
  }
}

export async function killAll({ dir, seed, kills, rate, lifeMs, progress }: KillsInit): Promise<KillsEnd> {
  const chance = seededChance(seed);
  const network = new FakeNetwork({ dir, delayMs: 5, jitterMs: 10, seed });
  const tors = [network.tor(), network.tor()];
  await Promise.all(tors.map((tor) => tor.start()));
  const children = ['a', 'b'].map((name, i) => new Child(name, join(dir, name), tors[i] as FakeTor, rate));
  const [a, b] = children as [Child, Child];
  let early = 0;
  try {
    await Promise.all(
      [a, b].map(async (child) => {
        child.start();
        await child.ready();
      }),
    );
    await befriend(a, b);
    await Promise.all([a.call('begin'), b.call('begin')]);
    await sleep(500);
    for (let done = 0; done < kills; ) {
      await sleep(chance() * lifeMs);
      const victims = chance() < 0.2 ? [a, b] : [chance() < 0.5 ? a : b];
      early += victims.filter(({ isReady }) => !isReady).length;
      await Promise.all(victims.map((child) => child.kill()));
      done += victims.length;
      progress(done);
      await sleep(chance() * 100);
      for (const child of victims) {
        child.start();
        void child.ready().then(
          () => child.call('begin').catch(() => {}),
          () => {}, // killed before
        );
      }
    }
    const settledMs = await settle(a, b);
    return { kills, early, messages: await compare(a, b), settledMs };
  } finally {
    await Promise.all(children.map((child) => child.end()));
    await network.stop();
  }
}

async function befriend(a: Child, b: Child): Promise<void> {
  const uri = await a.call('invite');
  await eventually('the door is open', () => a.call('doorIsOpen'));
  await b.call('add', uri);
  await eventually('the request is there', () => a.call('accept'));
  await eventually('they are friends', async () => (await a.call('isFriend')) === true && b.call('isFriend'));
}

/** Nobody writes but one message each, and everything arrives. */
async function settle(a: Child, b: Child): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(
    [a, b].map(async (child) => {
      await child.ready();
      await child.call('quiet');
      await child.call('write');
    }),
  );
  await eventually('everything arrives', async () => {
    const reports = await Promise.all([a.report(), b.report()]);
    return reports.every(({ waiting }) => waiting === 0);
  });
  return Math.round(performance.now() - startedAt);
}

async function compare(a: Child, b: Child): Promise<number> {
  const [first, second] = await Promise.all([a.report(), b.report()]);
  for (const [author, of, reader] of [
    [a, first, second],
    [b, second, first],
  ] as const) {
    const own = of.messages.filter(({ mine }) => mine);
    const theirs = reader.messages.filter(({ mine }) => !mine);
    assert.deepEqual(
      theirs.map(({ id, text }) => `${id} ${text}`),
      own.map(({ id, text }) => `${id} ${text}`),
      `what ${author.name} wrote, in order`,
    );
    assert.equal(new Set(own.map(({ id }) => id)).size, own.length);
    assert.deepEqual([...new Set(own.map(({ state }) => state))], ['delivered']);
    assert.equal(of.toldTwice, 0);
    const texts = own.map(({ text }) => text);
    const known = new Set(texts);
    const saved = author.saved();
    assert.deepEqual(
      saved.filter((text) => !known.has(text)),
      [],
      `everything that ${author.name} had saved is there`,
    );
    const returned = new Set(saved);
    assert.deepEqual(
      texts.filter((text) => returned.has(text)),
      saved,
      'in the order of saving',
    );
  }
  return first.messages.length;
}

async function eventually(what: string, is: () => Promise<unknown>): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while ((await is()) !== true) {
    if (performance.now() > giveUpAt) assert.fail(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}
