/**
 * libp2p's datastore on sealed rows: the peer store lies in it, which is a list of contacts. Spec: interface-datastore.
 * A key is its text in UTF-8. Everything is synchronous below; what an operation waits for is only its caller.
 *
 * When the rows are full, what was written longest ago is forgotten: whoever keeps something here has to bear that.
 */

import { NotFoundError } from '@libp2p/interface';
import { type Batch, type Datastore, Key, type KeyQuery, type Pair, type Query } from 'interface-datastore';
import { utf8 } from '../safety/bytes.ts';
import type { SealedRows } from './sealed-rows.ts';

interface Options {
  readonly signal?: AbortSignal;
}

/** What `query` and `queryKeys` have in common. */
interface Selection<T> {
  readonly filters?: readonly ((item: T) => boolean)[];
  readonly orders?: readonly ((a: T, b: T) => -1 | 0 | 1)[];
  readonly limit?: number;
  readonly offset?: number;
}

const text = new TextDecoder();

export class SealedDatastore implements Datastore {
  readonly #rows: SealedRows;

  /** The rows stay the caller's to close. */
  constructor(rows: SealedRows) {
    this.#rows = rows;
  }

  put(key: Key, value: Uint8Array, options?: Options): Key {
    options?.signal?.throwIfAborted();
    this.#rows.put(nameOf(key), value);
    return key;
  }

  /** Throws an error named NotFoundError, by which libp2p knows it. */
  get(key: Key, options?: Options): Uint8Array {
    options?.signal?.throwIfAborted();
    const value = this.#rows.get(nameOf(key));
    if (value === null) throw new NotFoundError('no such key in the datastore');
    return value;
  }

  has(key: Key, options?: Options): boolean {
    options?.signal?.throwIfAborted();
    return this.#rows.get(nameOf(key)) !== null;
  }

  delete(key: Key, options?: Options): void {
    options?.signal?.throwIfAborted();
    this.#rows.delete(nameOf(key));
  }

  async *putMany(source: Iterable<Pair> | AsyncIterable<Pair>, options?: Options): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value, options);
  }

  async *getMany(source: Iterable<Key> | AsyncIterable<Key>, options?: Options): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: this.get(key, options) };
  }

  async *deleteMany(source: Iterable<Key> | AsyncIterable<Key>, options?: Options): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key, options);
      yield key;
    }
  }

  /** In the order in which they were asked for, and all or none. */
  batch(): Batch {
    let steps: (() => void)[] = [];
    return {
      put: (key, value) => void steps.push(() => this.put(key, value)),
      delete: (key) => void steps.push(() => this.delete(key)),
      commit: (options) => {
        options?.signal?.throwIfAborted();
        this.#rows.batch(() => {
          for (const step of steps) step();
        });
        steps = [];
      },
    };
  }

  *query(query: Query, options?: Options): Generator<Pair> {
    yield* select(this.#pairs(query.prefix, options), query);
  }

  *queryKeys(query: KeyQuery, options?: Options): Generator<Key> {
    yield* select(keysOf(this.#pairs(query.prefix, options)), query);
  }

  *#pairs(prefix = '', options: Options = {}): Generator<Pair> {
    for (const [name, value] of this.#rows.entries()) {
      options.signal?.throwIfAborted();
      const key = text.decode(name);
      if (key.startsWith(prefix)) yield { key: new Key(key), value };
    }
  }
}

function nameOf(key: Key): Uint8Array {
  return utf8(key.toString());
}

function* keysOf(pairs: Iterable<Pair>): Generator<Key> {
  for (const { key } of pairs) yield key;
}

/** Filters, then orders (the last one wins, as in libp2p's own datastores), then offset and limit. */
function* select<T>(
  items: Iterable<T>,
  { filters = [], orders = [], limit = Infinity, offset = 0 }: Selection<T>,
): Generator<T> {
  const accepted = Iterator.from(items).filter((item) => filters.every((accepts) => accepts(item)));
  const ordered =
    orders.length === 0
      ? accepted
      : orders.reduce((sorted, order) => sorted.sort(order), [...accepted]).values();
  yield* limit === Infinity ? ordered.drop(offset) : ordered.drop(offset).take(limit);
}
