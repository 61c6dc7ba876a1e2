/**
 * Who this node can begin with in the overlay: onions from the configuration, which stay, and onions of public nodes
 * that it has heard of, which are remembered across restarts, ranked by how they did, and forgotten when they are gone.
 *
 * A pick is random among all that did not fail lately, so that not all nodes lean on the same few and nobody is led
 * from one handle to the next by what it picks. What handles and scouts find out about who answers is shared by all of
 * them. Announcements are free to make: a flood of invented onions pushes out others that were never reached, not the
 * configured ones and not those that have answered before.
 *
 * A disk that is full costs what would be remembered across a restart, and nothing else.
 */

import { concat, utf8 } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import { type Log, silent } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import { type OnionAddress, onionOf } from '../wire/onion.ts';
import {
  DOUBTFUL_FAILURES,
  ENTRY_POINT_SILENCE_MS,
  KEPT_ENTRY_POINTS,
  MAX_ENTRY_POINTS,
  MAX_UNPROVEN_ENTRY_POINTS,
} from './limits.ts';

/** Where they are remembered: `SealedRows`, or nothing. */
export interface EntryPointRows {
  put(name: Uint8Array, value: Uint8Array): unknown;
  delete(name: Uint8Array): void;
  entries(): Iterable<readonly [name: Uint8Array, value: Uint8Array]>;
}

export interface EntryPointsInit {
  /** From the configuration: never forgotten. */
  readonly fixed?: readonly OnionAddress[];
  readonly rows?: EntryPointRows;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Never given out: this node's own onions. */
  readonly isOwn?: (onion: OnionAddress) => boolean;
  readonly limit?: number;
  readonly log?: Log;
}

export interface EntryPoint {
  readonly onion: OnionAddress;
  readonly fixed: boolean;
  /** Unix milliseconds; 0 where it never happened. */
  readonly learnedAtMs: number;
  readonly reachedAtMs: number;
  /** In a row. */
  readonly failures: number;
}

/** Key 32 ‖ learned 8 ‖ reached 8 ‖ failures 4: a row's value; its name is a label and the key. */
const ROW_BYTES = 32 + 8 + 8 + 4;
const ROW_NAME = utf8('kith/entry-point/');

export class EntryPoints {
  readonly #init: EntryPointsInit;
  readonly #limit: number;
  /** By onion host. What is in `rows` is what is in here, without the fixed. */
  readonly #points = new Map<string, EntryPoint>();

  /** Reads what was remembered. */
  constructor(init: EntryPointsInit) {
    this.#init = init;
    this.#limit = init.limit ?? MAX_ENTRY_POINTS;
    const never = { learnedAtMs: 0, reachedAtMs: 0, failures: 0 };
    for (const onion of init.fixed ?? []) this.#points.set(onion.host, { onion, fixed: true, ...never });
    for (const [name, value] of init.rows?.entries() ?? []) {
      const point = decodeRow(value);
      const known = point === undefined ? undefined : this.#points.get(point.onion.host);
      if (point === undefined || (known === undefined && this.#points.size >= this.#limit)) {
        init.rows?.delete(name);
      } else this.#points.set(point.onion.host, { ...point, fixed: known?.fixed ?? false });
    }
  }

  /** Everybody who is known, best first. */
  list(): readonly EntryPoint[] {
    const { isOwn } = this.#init;
    return [...this.#points.values()].filter(({ onion }) => isOwn?.(onion) !== true).sort(byPromise);
  }

  /**
   * Up to `count` to try now, of those that did not fail lately (of all where there are none): two thirds configured or
   * reached before, the rest any. Announcements are free, and one who announces much must not be all that is tried.
   */
  pick(count: number): readonly OnionAddress[] {
    const { random } = this.#init;
    const all = this.list();
    const hopeful = all.filter(({ failures }) => failures < DOUBTFUL_FAILURES);
    const from = hopeful.length > 0 ? hopeful : all;
    const proven = sample(
      from.filter(({ fixed, reachedAtMs }) => fixed || reachedAtMs > 0),
      Math.ceil((2 * count) / 3),
      random,
    );
    const others = sample(
      from.filter((point) => !proven.includes(point)),
      count - proven.length,
      random,
    );
    return [...proven, ...others].map(({ onion }) => onion);
  }

  /** Somebody says that a public node is there. */
  learned(onion: OnionAddress, atMs: number): void {
    const known = this.#points.get(onion.host);
    if (known !== undefined) return this.#set({ ...known, learnedAtMs: Math.max(atMs, known.learnedAtMs) });
    const unproven = [...this.#points.values()].filter(
      ({ fixed, reachedAtMs }) => !fixed && reachedAtMs === 0,
    );
    const full = this.#points.size >= this.#limit || unproven.length >= MAX_UNPROVEN_ENTRY_POINTS;
    if (full && !this.#makeRoom()) return;
    this.#set({ onion, fixed: false, learnedAtMs: atMs, reachedAtMs: 0, failures: 0 });
  }

  /** A person names it: there is room for it however many were heard of. */
  added(onion: OnionAddress): void {
    const known = this.#points.get(onion.host) ?? { onion, fixed: false, reachedAtMs: 0 };
    this.#set({ ...known, learnedAtMs: this.#init.clock.now(), failures: 0 });
  }

  reached(onion: OnionAddress): void {
    const known = this.#points.get(onion.host);
    if (known !== undefined) this.#set({ ...known, reachedAtMs: this.#init.clock.now(), failures: 0 });
  }

  failed(onion: OnionAddress): void {
    const known = this.#points.get(onion.host);
    if (known === undefined) return;
    const point = { ...known, failures: known.failures + 1 };
    if (this.#isGone(point)) this.#forget(point);
    else this.#set(point);
  }

  /** Whether nobody has heard of it or reached it for long. A node that was away itself keeps enough to begin with. */
  #isGone({ fixed, failures, learnedAtMs, reachedAtMs }: EntryPoint): boolean {
    const silentMs = this.#init.clock.now() - Math.max(learnedAtMs, reachedAtMs);
    return (
      !fixed &&
      failures >= DOUBTFUL_FAILURES &&
      silentMs > ENTRY_POINT_SILENCE_MS &&
      this.#points.size > KEPT_ENTRY_POINTS
    );
  }

  /** Lets the least promising one go that never answered; those that did are not for a stranger to push out. */
  #makeRoom(): boolean {
    const worst = [...this.#points.values()]
      .sort(byPromise)
      .findLast(({ fixed, reachedAtMs }) => !fixed && reachedAtMs === 0);
    if (worst === undefined) return false;
    this.#forget(worst);
    return true;
  }

  #forget({ onion }: EntryPoint): void {
    this.#points.delete(onion.host);
    this.#remember((rows) => rows.delete(concat(ROW_NAME, onion.publicKey)));
  }

  #set(point: EntryPoint): void {
    this.#points.set(point.onion.host, point);
    this.#remember((rows) => rows.put(concat(ROW_NAME, point.onion.publicKey), encodeRow(point)));
  }

  #remember(write: (rows: EntryPointRows) => unknown): void {
    const { rows, log = silent } = this.#init;
    try {
      if (rows !== undefined) write(rows);
    } catch (error) {
      log('warn', 'an entry point could not be written down', { reason: (error as Error).name });
    }
  }
}

/** Some of a list in random order, each at most once. */
export function sample<T>(list: readonly T[], count: number, random: RandomBytes): T[] {
  const left = [...list];
  const chosen: T[] = [];
  while (chosen.length < count && left.length > 0) {
    // 32 bits over a few hundred: the bias is far below anything that could be seen
    const at = new DataView(random(4).buffer).getUint32(0) % left.length;
    chosen.push(...left.splice(at, 1));
  }
  return chosen;
}

/** Fewer failures first, then who was reached last, then who was heard of last. */
function byPromise(a: EntryPoint, b: EntryPoint): number {
  return a.failures - b.failures || b.reachedAtMs - a.reachedAtMs || b.learnedAtMs - a.learnedAtMs;
}

function encodeRow({ onion, learnedAtMs, reachedAtMs, failures }: EntryPoint): Uint8Array {
  const row = new Uint8Array(ROW_BYTES);
  const view = new DataView(row.buffer);
  row.set(onion.publicKey);
  view.setBigUint64(32, BigInt(Math.trunc(learnedAtMs)));
  view.setBigUint64(40, BigInt(Math.trunc(reachedAtMs)));
  view.setUint32(48, failures);
  return row;
}

/** Undefined for a row of another form: rows are sealed, so that is one of an older version. */
function decodeRow(row: Uint8Array): Omit<EntryPoint, 'fixed'> | undefined {
  if (row.length !== ROW_BYTES) return undefined;
  const view = new DataView(row.buffer, row.byteOffset);
  return {
    onion: onionOf(row.subarray(0, 32)),
    learnedAtMs: Number(view.getBigUint64(32)),
    reachedAtMs: Number(view.getBigUint64(40)),
    failures: view.getUint32(48),
  };
}
