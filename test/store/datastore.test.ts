import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type Datastore, Key } from 'interface-datastore';
import { utf8 } from '../../src/safety/bytes.ts';
import { SealedDatastore } from '../../src/store/datastore.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';

let store: Datastore;

beforeEach(() => {
  const rows = SealedRows.open({
    path: ':memory:',
    key: new Uint8Array(32),
    maxRows: 100,
    maxBytes: 100_000,
  });
  store = new SealedDatastore(rows);
});

const key = (name: string): Key => new Key(name);
const order = (a: { key: Key }, b: { key: Key }): -1 | 0 | 1 =>
  a.key.toString() < b.key.toString() ? -1 : 1;

async function keysIn(query: Parameters<Datastore['query']>[0]): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.query(query)) found.push(key.toString());
  return found;
}

describe('SealedDatastore', () => {
  it('puts, gets, has and deletes, and what is missing has the name that libp2p looks for', async () => {
    assert.equal(String(await store.put(key('/a/b'), utf8('x'))), '/a/b');
    assert.deepEqual(await store.get(key('/a/b')), utf8('x'));
    assert.equal(await store.has(key('/a/b')), true);
    await store.delete(key('/a/b'));
    assert.equal(await store.has(key('/a/b')), false);
    await assert.rejects(async () => store.get(key('/a/b')), { name: 'NotFoundError' });
  });

  it('puts, gets and deletes many, one by one as they are asked for', async () => {
    const pairs = ['/1', '/2', '/3'].map((name) => ({ key: key(name), value: utf8(name) }));
    const names: string[] = [];
    for await (const put of store.putMany(pairs)) names.push(put.toString());
    for await (const { value } of store.getMany(pairs.map((pair) => pair.key)))
      names.push(Buffer.from(value).toString());
    for await (const gone of store.deleteMany([key('/1'), key('/2')])) names.push(gone.toString());
    assert.deepEqual(names, ['/1', '/2', '/3', '/1', '/2', '/3', '/1', '/2']);
    assert.deepEqual(await keysIn({}), ['/3']);
  });

  it('queries by prefix, filters, order, offset and limit', async () => {
    for (const name of ['/p/c', '/p/a', '/q/x', '/p/b', '/p/d']) await store.put(key(name), utf8(name));
    assert.deepEqual(await keysIn({ prefix: '/p' }), ['/p/c', '/p/a', '/p/b', '/p/d']);
    assert.deepEqual(await keysIn({ prefix: '/p', orders: [order] }), ['/p/a', '/p/b', '/p/c', '/p/d']);
    const odd = ({ key }: { key: Key }): boolean => key.toString() !== '/p/a';
    const query = { prefix: '/p', filters: [odd, odd], orders: [order] };
    assert.deepEqual(await keysIn({ ...query, offset: 1, limit: 1 }), ['/p/c']);
    assert.deepEqual(await keysIn({ ...query, limit: 0 }), []);
    assert.deepEqual(await keysIn({ ...query, offset: 9 }), []);
    const keys: string[] = [];
    const keyFilter = (found: Key): boolean => found.toString() > '/p/b';
    for await (const found of store.queryKeys({ prefix: '/p', filters: [keyFilter], limit: 1 }))
      keys.push(found.toString());
    assert.deepEqual(keys, ['/p/c']);
  });

  it('commits a batch in order, once', async () => {
    await store.put(key('/gone'), utf8('x'));
    const batch = store.batch();
    batch.put(key('/a'), utf8('1'));
    batch.put(key('/a'), utf8('2'));
    batch.delete(key('/gone'));
    assert.deepEqual(await keysIn({}), ['/gone']);
    await batch.commit();
    assert.deepEqual(await keysIn({}), ['/a']);
    assert.deepEqual(await store.get(key('/a')), utf8('2'));
    await store.delete(key('/a'));
    await batch.commit();
    assert.deepEqual(await keysIn({}), []);
  });

  it('does nothing for a caller who has given up', async () => {
    const reason = new Error('gone');
    const options = { signal: AbortSignal.abort(reason) };
    await store.put(key('/a'), utf8('1'));
    for (const call of [
      () => store.put(key('/b'), utf8('1'), options),
      () => store.get(key('/a'), options),
      () => store.has(key('/a'), options),
      () => store.delete(key('/a'), options),
      () => store.batch().commit(options),
      async () => [...(store.query({}, options) as Iterable<unknown>)],
    ]) {
      await assert.rejects(async () => call(), reason);
    }
    assert.deepEqual(await keysIn({}), ['/a']);
  });
});
