/** Somebody with a real database in a temporary file, whom a test can crash at any step and bring back as the disk was then. */

import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arrived, type ContactId, NotNow } from '../../src/delivery/face.ts';
import { Delivery, DELIVERY_TABLES } from '../../src/delivery/delivery.ts';
import { concat, toHex } from '../../src/safety/bytes.ts';
import type { Clock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Provider } from '../../src/safety/crypto/provider.ts';
import { KithError } from '../../src/safety/errors.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Database, type TableSpec } from '../../src/store/database.ts';

/** In memory where that is possible: what is tested is what was written when, not the disk. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** What a test throws where the process is to end. */
export class Crash extends Error {}

/** A thousand times as fast as the real one, so that pauses of seconds take milliseconds. */
export class FastClock implements Clock {
  /** Added to the time, ms. */
  offset = 0;
  readonly #start = performance.now();
  readonly #epoch = Date.UTC(2026, 10, 21);

  now(): number {
    return this.#epoch + this.monotonic();
  }

  monotonic(): number {
    return (performance.now() - this.#start) * 1000 + this.offset;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, Math.min(ms / 1000, 20));
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    });
  }
}

export interface WatchedProvider extends Provider {
  /** How often a key and nonce of AES-GCM sealed something different from before. */
  reused(): number;
}

export function watchedProvider(): WatchedProvider {
  let reused = 0;
  const seen = new Map<string, string>();
  return {
    ...nodeProvider,
    reused: () => reused,
    aes256Gcm: {
      ...nodeProvider.aes256Gcm,
      open: (...given) => nodeProvider.aes256Gcm.open(...given),
      seal: (key, nonce, aad, plaintext) => {
        const place = `${toHex(key)}/${toHex(nonce)}`;
        const what = toHex(nodeProvider.sha256(nodeProvider.sha256(aad), plaintext));
        if ((seen.get(place) ?? what) !== what) reused += 1;
        seen.set(place, what);
        return nodeProvider.aes256Gcm.seal(key, nonce, aad, plaintext);
      },
    },
  };
}

const OWN_TABLES: readonly TableSpec[] = [
  { name: 'applied', inBackup: true },
  { name: 'written', inBackup: true },
  { name: 'kept', inBackup: true },
];

export const text = (content: Uint8Array): string =>
  new TextDecoder().decode(content.subarray(1)).replace(/ +$/, '');

export interface PersonInit {
  readonly clock: Clock;
  readonly provider: Provider;
}

export class Person {
  readonly init: PersonInit;
  readonly key = systemRandom(32);
  readonly #folder = mkdtempSync(join(FOLDER, 'kith-delivery-'));
  #generation = 0;
  database!: Database;
  delivery!: Delivery;
  /** Steps of database and delivery so far. */
  steps = 0;
  /** At this step the process ends. */
  fuse = Infinity;
  crashes = 0;
  isDead = false;
  /** What `apply` does besides keeping. */
  onApply: (arrived: Arrived) => void = () => {};
  troubles = 0;
  rollbacks = 0;
  refused: string[] = [];
  /** How many keys were already enqueued, for unique keys. */
  #written = 0;

  constructor(init: PersonInit) {
    this.init = init;
    this.#open();
  }

  get #path(): string {
    return join(this.#folder, `${this.#generation}.db`);
  }

  get id(): ContactId {
    return this.delivery.fingerprint;
  }

  readonly #step = (): void => {
    if (this.isDead) throw new Crash();
    this.steps += 1;
    if (this.steps < this.fuse) return;
    // the disk as it is at this moment is what the next process finds
    this.#copyTo(this.#generation + 1);
    this.isDead = true;
    throw new Crash();
  };

  #copyTo(generation: number): void {
    const to = join(this.#folder, `${generation}.db`);
    for (const end of ['', '-wal'])
      if (existsSync(this.#path + end)) copyFileSync(this.#path + end, to + end);
  }

  #open(): void {
    this.database = Database.open({
      path: this.#path,
      key: this.key,
      tables: [...DELIVERY_TABLES, ...OWN_TABLES],
      onStep: this.#step,
    });
    this.delivery = Delivery.open({
      database: this.database,
      primitives: { provider: this.init.provider, random: systemRandom },
      clock: this.init.clock,
      apply: (arrived) => this.#apply(arrived),
      onKept: (_, key) => {
        this.database.table('kept').put({
          name: concat(key, Uint8Array.of(this.database.table('kept').lastSeq() % 256)),
          value: key,
          alias: null,
        });
      },
      onRefused: (_, key) => this.refused.push(toHex(key)),
      onRolledBack: () => {
        this.rollbacks += 1;
      },
      onTrouble: () => {
        this.troubles += 1;
      },
      onStep: this.#step,
    });
    this.#written = this.database.table('written').lastSeq();
  }

  #apply(arrived: Arrived): void {
    const { contact, content } = arrived;
    const rows = this.database.table('applied');
    const name = concat(contact, new Uint8Array(new BigUint64Array([BigInt(rows.lastSeq())]).buffer));
    rows.put({ name, scope: contact, value: content, alias: null });
    this.onApply(arrived);
  }

  /** Ends the process where it did not end by itself, and starts the next one with what was on the disk. */
  restart(): void {
    if (!this.isDead) this.#copyTo(this.#generation + 1);
    this.isDead = true;
    this.delivery.close();
    try {
      this.database.close();
    } catch {
      // the file is not read again
    }
    this.#generation += 1;
    this.isDead = false;
    this.crashes += 1;
    this.fuse = Infinity;
    this.#open();
  }

  /** What a restored backup would hold now: a function that goes back to it. */
  backup(): () => void {
    const tables = [...DELIVERY_TABLES, ...OWN_TABLES].filter(({ inBackup }) => inBackup);
    const rows = tables.map(({ name }) => this.database.table(name).page({ after: 0, limit: 1_000 }));
    return () => {
      this.delivery.close();
      this.database.close();
      this.#generation += 1;
      const database = Database.open({
        path: this.#path,
        key: this.key,
        tables: [...DELIVERY_TABLES, ...OWN_TABLES],
      });
      tables.forEach(({ name: table }, i) => {
        for (const { name, scope, alias, value } of rows[i] ?? [])
          database.table(table).put({ name, scope, alias, value });
      });
      database.close();
      this.#open();
    };
  }

  /** The whole disk as it is now, to be gone back to: a copied data directory. */
  snapshot(): () => void {
    const kept = 1_000 + this.#generation;
    this.#copyTo(kept);
    return () => {
      this.delivery.close();
      this.database.close();
      this.#generation = kept;
      this.#open();
    };
  }

  /** Writes a text durably; may crash, and then only the database knows whether it was written. */
  write(to: ContactId, what: string, pad = 0): Uint8Array {
    const content = concat(Uint8Array.of(1), new TextEncoder().encode(what.padEnd(pad)));
    const key = new Uint8Array(16);
    new DataView(key.buffer).setUint32(0, ++this.#written);
    this.database.transaction(() => {
      this.database.table('written').put({ name: key, scope: to, value: content, alias: null });
      this.delivery.enqueue(to, { key, content });
    });
    return key;
  }

  written(to: ContactId): string[] {
    return this.database
      .table('written')
      .page({ scope: to, after: 0, limit: 1_000 })
      .map(({ value }) => text(value));
  }

  applied(from: ContactId): string[] {
    return this.database
      .table('applied')
      .page({ scope: from, after: 0, limit: 1_000 })
      .map(({ value }) => text(value));
  }

  kept(): number {
    return this.database.table('kept').count();
  }

  end(): void {
    this.isDead = false;
    this.fuse = Infinity;
    this.delivery.close();
    this.database.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** For `onApply`. */
export function notNow(): never {
  throw new NotNow('later');
}

export class Never extends KithError<'NEVER'> {
  constructor() {
    super('NEVER', 'never', { hint: 'Do not.' });
  }
}
