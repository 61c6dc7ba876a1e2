import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemDisk } from '../../src/safety/disk.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { type DataDir, dataDir } from '../../src/store/data-dir.ts';
import type { Database } from '../../src/store/database.ts';
import { generationOf, setGeneration, STORE_TABLES } from '../../src/store/meta.ts';
import { importSeeds, putSeed, readSecret, seedOf, storedSeed } from '../../src/store/secrets.ts';
import { failingDisk } from './failing-disk.ts';
import { files } from './files.ts';

const at = files();
const open = (): Database => at.open({ tables: STORE_TABLES });
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function older(files: Record<string, Uint8Array>, name = 'data'): DataDir {
  const dir = dataDir(join(at.dir, name));
  mkdirSync(dir.root);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir.root, name), bytes);
  return dir;
}

test('a seed is made once and then stays, each of its own', () => {
  const database = open();
  assert.equal(storedSeed(database, 'home'), null);
  const home = seedOf(database, 'home', systemRandom);
  assert.equal(home.length, 32);
  assert.notDeepEqual(seedOf(database, 'public', systemRandom), home);
  const again = at.crashed({ tables: STORE_TABLES });
  assert.deepEqual(seedOf(again, 'home', systemRandom), home);
});

test('a seed can be replaced and removed', () => {
  const database = open();
  putSeed(database, 'home', seed(1));
  putSeed(database, 'public', seed(2));
  putSeed(database, 'public', null);
  assert.deepEqual(storedSeed(database, 'home'), seed(1));
  assert.equal(storedSeed(database, 'public'), null);
  assert.throws(() => putSeed(database, 'home', new Uint8Array(31)), RangeError);
});

test('seeds of an older version are moved into the database, and their files go', async () => {
  const dir = older({ 'home.seed': seed(1), 'public.seed': seed(2) });
  const database = open();
  await importSeeds(database, dir, systemDisk);
  assert.deepEqual(storedSeed(database, 'home'), seed(1));
  assert.deepEqual(storedSeed(database, 'public'), seed(2));
  assert.equal(existsSync(join(dir.root, 'home.seed')), false);
  await importSeeds(database, dir, systemDisk);
  assert.deepEqual(seedOf(database, 'home', systemRandom), seed(1));
});

test('a move that is cut off anywhere leaves the seed in one place or both, and is finished later', async () => {
  for (let step = 0, done = false; !done; step++) {
    const name = `cut-${step}`;
    const database = at.open({ path: join(at.dir, `${name}.db`), tables: STORE_TABLES });
    const dir = older({ 'home.seed': seed(1), 'public.seed': seed(2) }, name);
    done = await importSeeds(database, dir, failingDisk(step)).then(
      () => true,
      () => false,
    );
    await importSeeds(database, dir, systemDisk);
    assert.deepEqual(storedSeed(database, 'home'), seed(1));
    assert.deepEqual(storedSeed(database, 'public'), seed(2));
    assert.deepEqual(readdirSync(dir.root), []);
    assert.ok(step < 30);
  }
});

test('another seed than the one in the database is not taken, and not removed', async () => {
  const dir = older({ 'home.seed': seed(1) });
  const database = open();
  putSeed(database, 'home', seed(2));
  await assert.rejects(importSeeds(database, dir, systemDisk), { code: 'SECRET_EXISTS' });
  assert.ok(existsSync(join(dir.root, 'home.seed')));
  assert.deepEqual(storedSeed(database, 'home'), seed(2));
});

test('the generation is 0 until it is set', () => {
  const database = open();
  assert.equal(generationOf(database), 0);
  setGeneration(database, 7);
  assert.equal(generationOf(at.crashed({ tables: STORE_TABLES })), 7);
});

test('a file of the wrong size is told, and not touched', async () => {
  const dir = older({ 'home.seed': new Uint8Array(31) });
  const error = { code: 'SECRET_DAMAGED', data: { sizeBytes: 31 } };
  await assert.rejects(readSecret(dir, 'home.seed'), error);
  await assert.rejects(importSeeds(open(), dir, systemDisk), error);
  assert.ok(existsSync(join(dir.root, 'home.seed')));
  assert.equal(await readSecret(dir, 'store.key'), null);
});
