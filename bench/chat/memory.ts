/**
 * Memory of a whole daemon as a user starts it (`kith up`, compiled, on a private Tor network; its two tors not
 * counted) after a person has opened a conversation of 100,000 messages, paged back in it and searched all of it,
 * beside the same daemon, with the same friend and the same calls, that has no message.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type KithClient } from '../../src/local/kith-client.ts';
import { compared, median, type Pair, reported, type Row } from '../row.ts';
import { Party } from './party.ts';
import type { Place } from './place.ts';
import { copyStore, FRIEND } from './stores.ts';
import { ABSENT_WORD, MESSAGES, RARE_WORD } from './texts.ts';

const BUILD = fileURLToPath(new URL('../../dev/build.ts', import.meta.url));
/** What users run: it sets V8's flags, and then runs what is compiled. */
const LAUNCHER = fileURLToPath(new URL('../../bin/kith.js', import.meta.url));
/** Daemons are measured a few pairs at a time: each has two tors beside it. */
const ROUNDS = 3;
const PAIRS_A_ROUND = 3;
/** After this long (ms) nothing of the start, or of the calls, is left to collect. */
const SETTLED_MS = 5000;
const SEARCHES = 5;
const PAGES = 10;
const GOAL_MB = 40;
const PATIENCE_MS = 120_000;

export async function memoryRows({ dir, network, stores, progress }: Place): Promise<readonly Row[]> {
  execFileSync(process.execPath, [BUILD], { stdio: 'ignore' });
  const { full, empty } = await stores();
  const { dir: networkDir } = await network();
  const copies: { readonly full: string; readonly empty: string }[] = [];
  for (let i = 0; i < PAIRS_A_ROUND; i++) {
    copies.push({
      full: await ownCopy(full, join(dir, `full${i}`)),
      empty: await ownCopy(empty, join(dir, `empty${i}`)),
    });
  }
  const pairs: Pair[] = [];
  const peaks: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const daemons = copies.flatMap((copy) => [
      new Daemon(copy.empty, networkDir, 0),
      new Daemon(copy.full, networkDir, MESSAGES),
    ]);
    try {
      await Promise.all(daemons.map((daemon) => daemon.reachable()));
      await sleep(SETTLED_MS);
      for (const daemon of daemons) await daemon.use();
      await sleep(SETTLED_MS);
      for (let i = 0; i < daemons.length; i += 2) {
        const baseline = await (daemons[i] as Daemon).megabytes('VmRSS');
        pairs.push({ value: await (daemons[i + 1] as Daemon).megabytes('VmRSS'), baseline });
        peaks.push(await (daemons[i + 1] as Daemon).megabytes('VmHWM'));
      }
    } finally {
      await Promise.all(daemons.map((daemon) => daemon.stop()));
    }
    progress(`rss-100k: ${pairs.length} of ${ROUNDS * PAIRS_A_ROUND}`);
  }
  const added = median(pairs.map(({ value, baseline }) => value - baseline));
  const goal = `≤ baseline + ${GOAL_MB} MB (measured + ${added.toFixed(1)})`;
  return [
    compared('chat', 'rss-100k', 'MB', pairs, { goal, holds: () => added <= GOAL_MB }),
    reported('chat', 'rss-100k/peak', 'MB', peaks),
  ];
}

/** A store with a home onion of its own: two nodes with one would stand in each other's way. */
async function ownCopy(from: string, to: string): Promise<string> {
  await copyStore(from, to);
  const party = await Party.open(to);
  const homes = party.database.table('home_seed');
  for (const { name } of homes.page({ limit: 10 })) homes.delete(name);
  party.close();
  return to;
}

/** A running `kith up` on a store. */
class Daemon {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  readonly #messages: number;
  readonly #closed: Promise<unknown>;
  #isReachable = false;

  constructor(dataDir: string, networkDir: string, messages: number) {
    this.#dataDir = dataDir;
    this.#messages = messages;
    const args = ['--json', '--data', dataDir, 'up', '--testnet', networkDir];
    this.#child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#closed = once(this.#child, 'close');
    if (this.#child.stdout === null) throw new Error('no output');
    createInterface({ input: this.#child.stdout }).on('line', (text) => {
      if ((JSON.parse(text) as { event?: string }).event === 'reachable') this.#isReachable = true;
    });
  }

  async reachable(): Promise<void> {
    for (const endMs = performance.now() + PATIENCE_MS; !this.#isReachable; await sleep(50)) {
      if (this.#child.exitCode !== null || performance.now() > endMs)
        throw new Error('the node ended, or did not get so far');
    }
  }

  /** What a person does: opens the conversation, reads back in it, searches. */
  async use(): Promise<void> {
    const client = await connect({ dataDir: this.#dataDir });
    try {
      await this.#readBack(client);
      for (let i = 0; i < SEARCHES; i++) {
        const { messages: found } = await client.search(RARE_WORD);
        const { messages: none } = await client.search(ABSENT_WORD);
        if (found.length !== Math.min(1, this.#messages) || none.length > 0)
          throw new Error('the search is wrong');
      }
    } finally {
      client.close();
    }
  }

  async #readBack(client: KithClient): Promise<void> {
    let read = 0;
    for (let before: number | undefined, pages = 0; pages < PAGES; pages++) {
      const { messages } = await client.history(FRIEND, before === undefined ? {} : { before });
      read += messages.length;
      if (messages.length === 0) break;
      before = messages[0]?.seq;
    }
    if (read === 0 && this.#messages > 0) throw new Error('the conversation is empty');
  }

  /** `VmRSS`: now. `VmHWM`: the most there ever was. */
  async megabytes(which: 'VmRSS' | 'VmHWM'): Promise<number> {
    const status = await readFile(`/proc/${String(this.#child.pid)}/status`, 'utf8');
    const [, kilobytes] = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
    return (Number(kilobytes) * 1024) / 1e6;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#closed;
  }
}
