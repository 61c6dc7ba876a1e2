/**
 * The end-to-end bench: first contact, messages and sizes against libsignal in the same process, and the provider
 * against its portable twin. Figures are CPU time of the process (contender.ts). Both sides start each operation from
 * stored bytes and end it with stored bytes, but for the keys that a running node holds: each side's own identity,
 * and on kith's side the prekeys too.
 *
 * kith's messages are padded: 1,024 bytes of content are 4,064 bytes of message, always, and the first are 13,380.
 */

import { type Bench, compared, type Pair, type Row } from '../row.ts';
import { loadComparator } from './comparator.ts';
import type { Contender } from './contender.ts';
import { type KithContender, kithContender } from './kith.ts';
import { libsignalContender } from './libsignal.ts';
import { providerRows } from './primitives.ts';

const PAIRS = 11;
/** The compiler is done with everything after so many. */
const WARM_UP_PAIRS = 2;
/** Messages between two turns of the one-way rows, and turns. */
const ONE_WAY = 150;
const TURNS = 50;

const GOALS: Readonly<Record<string, number>> = {
  initiate: 1.25,
  'accept-first': 0.7,
  'ping-pong-1k': 1,
  'encrypt-1k': 1,
  'decrypt-1k': 0.7,
};

/** One measurement of one side: a figure for each row. */
type Figures = Readonly<Record<string, number>>;

interface Measure {
  readonly rows: readonly string[];
  readonly unit: string;
  /** A pair is the mean of so many rounds of each side: half a second, in short turns because noise comes and goes. */
  readonly rounds: number;
  readonly ours: (kith: KithContender) => Promise<Figures>;
  readonly theirs: (libsignal: Contender) => Promise<Figures>;
}

const opening = async (contender: Contender): Promise<Figures> => {
  const { initiate, accept } = await contender.open();
  return { initiate, 'accept-first': accept };
};

const pingPong = async (contender: Contender): Promise<Figures> => ({
  'ping-pong-1k': await contender.pingPong(TURNS),
});

const oneWay = async (contender: Contender): Promise<Figures> => {
  const { encrypt, decrypt } = await contender.oneWay(ONE_WAY);
  return { 'encrypt-1k': encrypt, 'decrypt-1k': decrypt };
};

const sizes = async (contender: Contender): Promise<Figures> => {
  const { session, message } = await contender.sizes(TURNS);
  return { 'session-bytes': session, 'wire-bytes-1k': message };
};

const MEASURES: readonly Measure[] = [
  { rows: ['initiate', 'accept-first'], unit: 'µs', rounds: 6, ours: opening, theirs: opening },
  {
    rows: ['initiate-full', 'accept-full'],
    unit: 'µs',
    rounds: 4,
    ours: async (kith) => asFull(await kith.openSealed()),
    theirs: async (libsignal) => asFull(await libsignal.open()),
  },
  { rows: ['ping-pong-1k'], unit: 'µs', rounds: 8, ours: pingPong, theirs: pingPong },
  { rows: ['encrypt-1k', 'decrypt-1k'], unit: 'µs', rounds: 8, ours: oneWay, theirs: oneWay },
  { rows: ['session-bytes', 'wire-bytes-1k'], unit: 'B', rounds: 1, ours: sizes, theirs: sizes },
];

function asFull({ initiate, accept }: { initiate: number; accept: number }): Figures {
  return { 'initiate-full': initiate, 'accept-full': accept };
}

export const e2e: Bench = async function* (only, progress) {
  const wanted = (name: string) => only === null || only.has(name);
  const measures = MEASURES.filter(({ rows }) => rows.some(wanted));
  if (measures.length > 0) {
    const libsignal = await libsignalContender(await loadComparator(progress));
    const kith = kithContender();
    for (const measure of measures) {
      progress(`measuring ${measure.rows.join(', ')}`);
      yield* (await comparedRows(measure, kith, libsignal)).filter(({ name }) => wanted(name));
    }
  }
  const group = 'provider-vs-noble';
  if (only !== null && ![...only].some((name) => name.split('/')[0] === group)) return;
  progress(`measuring ${group}`);
  for await (const row of providerRows()) if (wanted(row.name) || wanted(group)) yield row;
};

/** Both sides in turn, in every round of every pair, each first in every other round. */
async function comparedRows(
  { rows, unit, rounds, ours, theirs }: Measure,
  kith: KithContender,
  libsignal: Contender,
): Promise<Row[]> {
  const measured: { value: Figures; baseline: Figures }[] = [];
  for (let i = -WARM_UP_PAIRS; i < PAIRS; i++) {
    const values: Figures[] = [];
    const baselines: Figures[] = [];
    for (let j = 0; j < rounds; j++) {
      const theirsFirst = j % 2 === 0;
      if (theirsFirst) baselines.push(await theirs(libsignal));
      values.push(await ours(kith));
      if (!theirsFirst) baselines.push(await theirs(libsignal));
    }
    if (i >= 0) measured.push({ value: meanOf(rows, values), baseline: meanOf(rows, baselines) });
  }
  return rows.map((name) => {
    const pairs = measured.map(
      ({ value, baseline }): Pair => ({ value: figure(value, name), baseline: figure(baseline, name) }),
    );
    const most = GOALS[name];
    const target =
      most === undefined
        ? null
        : { goal: `≤ ${String(most)} × libsignal`, holds: (ratio: number) => ratio <= most };
    return compared('e2e', name, unit, pairs, target);
  });
}

function meanOf(rows: readonly string[], all: readonly Figures[]): Figures {
  const mean = (name: string) => all.reduce((sum, figures) => sum + figure(figures, name), 0) / all.length;
  return Object.fromEntries(rows.map((name) => [name, mean(name)]));
}

function figure(figures: Figures, name: string): number {
  const value = figures[name];
  if (value === undefined) throw new Error(`${name} was not measured`);
  return value;
}
