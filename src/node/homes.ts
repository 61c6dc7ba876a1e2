/**
 * The homes of a node: one that friends are told, with libp2p on it, and those it replaced, which go on as onions alone
 * as long as the friends book says that somebody needs them.
 *
 * A change is durable before anything else happens: the next start serves the new home whatever became of this one.
 */

import type { Persona } from '../net/persona/persona.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Database } from '../store/database.ts';
import { reasonOf } from './failures.ts';
import type { Home } from './home.ts';
import { type HomeRow, HomeRows } from './home-rows.ts';

export interface HomesInit {
  readonly database: Database;
  readonly make: (seed: Uint8Array) => Home;
  /** libp2p on a home; started here. */
  readonly makePersona: (home: Home) => Promise<Persona>;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly log: Log;
}

/** A home that the friends book knows. */
export interface NeededHome {
  readonly onionKey: Uint8Array;
  /** X25519 keys of those who may come in. */
  readonly clientKeys: readonly Uint8Array[];
}

interface Retired {
  readonly row: HomeRow;
  readonly home: Home;
}

export class Homes {
  readonly #init: HomesInit;
  readonly #rows: HomeRows;
  readonly #life = new AbortController();
  #current: Home;
  #persona: Persona;
  #retired: Retired[];
  #turning: Promise<unknown> = Promise.resolve();

  private constructor(init: HomesInit, rows: HomeRows, current: Home, persona: Persona, retired: Retired[]) {
    this.#init = init;
    this.#rows = rows;
    this.#current = current;
    this.#persona = persona;
    this.#retired = retired;
  }

  static async create(init: HomesInit): Promise<Homes> {
    const rows = new HomeRows(init.database, init.provider);
    rows.currentKey(init.random);
    const [newest, ...older] = rows.all().toReversed() as [HomeRow, ...HomeRow[]];
    const current = init.make(newest.seed);
    const retired = older.map((row) => ({ row, home: init.make(row.seed) }));
    return new Homes(init, rows, current, await init.makePersona(current), retired);
  }

  get current(): Home {
    return this.#current;
  }

  get persona(): Persona {
    return this.#persona;
  }

  /** Resolves when friends reach the current one; those replaced come up beside it. */
  async start(signal: AbortSignal): Promise<void> {
    for (const { home } of this.#retired) this.#startRetired(home);
    await this.#startCurrent(signal);
  }

  /** Tells tor who may come in, and ends the replaced homes that are not needed any more. */
  async sync(needed: readonly NeededHome[]): Promise<void> {
    const find = (home: Home): NeededHome | undefined =>
      needed.find(({ onionKey }) => equal(onionKey, home.onion.publicKey));
    for (const home of this.#all()) home.setClients(find(home)?.clientKeys ?? []);
    const over = this.#retired.filter(({ home }) => find(home) === undefined);
    if (over.length === 0) return;
    this.#retired = this.#retired.filter((entry) => !over.includes(entry));
    this.#init.database.transaction(() => {
      for (const { row } of over) this.#rows.delete(row);
    });
    await Promise.all(over.map(({ home }) => home.stop()));
  }

  /** Replaces the current home; `commit` tells friends, in the transaction that saves the new one. */
  rotate(commit: (onionKey: Uint8Array) => void): Promise<Home> {
    const turn = this.#turning.then(() => this.#rotate(commit));
    this.#turning = turn.catch(() => {});
    return turn;
  }

  async stop(): Promise<void> {
    this.#life.abort(new Error('stopped'));
    await this.#turning;
    try {
      await this.#persona.stop();
    } finally {
      await Promise.all(this.#all().map((home) => home.stop()));
    }
  }

  async #rotate(commit: (onionKey: Uint8Array) => void): Promise<Home> {
    const { database, make, makePersona, random, clock } = this.#init;
    this.#life.signal.throwIfAborted();
    const before = this.#rows.all().at(-1) as HomeRow;
    const seed = random(32);
    const retiredRow = { ...before, retiredAt: clock.now() };
    database.transaction(() => {
      this.#rows.put(retiredRow);
      this.#rows.put({ revision: before.revision + 1, retiredAt: 0, seed });
      commit(this.#init.provider.ed25519.publicKey(seed));
    });
    const [old, oldPersona] = [this.#current, this.#persona];
    this.#current = make(seed);
    this.#persona = await makePersona(this.#current);
    this.#retired = [...this.#retired, { row: retiredRow, home: old }];
    await oldPersona.stop();
    await this.#startCurrent(this.#life.signal);
    return this.#current;
  }

  /** Settles when both halves have: nothing is stopped while it starts. */
  async #startCurrent(signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const both = AbortSignal.any([signal, failed.signal]);
    await Promise.allSettled(
      [this.#persona.start(both), this.#current.start(both)].map(
        (part) => part.catch((error: unknown) => failed.abort(error)), // the first reason stays
      ),
    );
    both.throwIfAborted();
  }

  #startRetired(home: Home): void {
    home.start(this.#life.signal).catch((error: unknown) => {
      this.#init.log('warn', 'a home that was replaced is not reachable', { reason: reasonOf(error) });
    });
  }

  #all(): Home[] {
    return [this.#current, ...this.#retired.map(({ home }) => home)];
  }
}
