import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Disk, systemDisk } from '../../src/safety/disk.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { type DataDir, openDataDir } from '../../src/store/data-dir.ts';
import { Database } from '../../src/store/database.ts';
import { acquireLock } from '../../src/store/lock.ts';
import { shred } from '../../src/store/shred.ts';
import { createStoreKey, unlockStore } from '../../src/store/unlock.ts';
import { wipe } from '../../src/store/wipe.ts';
import { failingDisk } from './failing-disk.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kith-wipe-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** All that a node leaves in its directory. */
async function used(name = 'data'): Promise<DataDir> {
  const dir = await openDataDir(join(root, name), systemDisk);
  const key = await createStoreKey(dir, { disk: systemDisk, random: systemRandom });
  Database.open({ path: dir.people, key, tables: [{ name: 'message', inBackup: true }] }).close();
  for (const file of [
    'store.key',
    'home.seed',
    'public.seed',
    'people.db.snapshot',
    'people.db-wal',
    'holder.json.part',
  ]) {
    writeFileSync(join(dir.root, file), 'x'.repeat(32));
  }
  for (const folder of [dir.torKnown, dir.torAnonymous, join(dir.root, 'run')]) mkdirSync(folder);
  writeFileSync(join(dir.overlay, 'peers.db'), 'x');
  await (await acquireLock(dir, { pid: 1, startedAt: 0, socketDir: '' }, systemDisk)).release();
  return dir;
}

test('nothing of a node is left', async () => {
  const dir = await used();
  assert.deepEqual(await wipe(dir, systemDisk), { left: 0 });
  assert.deepEqual(readdirSync(root), []);
});

test('the key file and the slots go first, before anything else is touched', async () => {
  const dir = await used();
  const removed: string[] = [];
  const disk: Disk = {
    ...systemDisk,
    async remove(path) {
      removed.push(path);
      if (removed.length <= 2) assert.ok(existsSync(dir.people));
      await systemDisk.remove(path);
    },
  };
  await wipe(dir, disk);
  assert.deepEqual(removed.slice(0, 2), [`${dir.keyFile}.shred`, `${dir.slots}.shred`]);
});

test('what others have put there stays', async () => {
  const dir = await used();
  for (const name of ['holiday.jpg', 'people.txt', 'inboxes']) writeFileSync(join(dir.root, name), 'x');
  assert.deepEqual(await wipe(dir, systemDisk), { left: 3 });
  assert.deepEqual(readdirSync(dir.root).toSorted(), ['holiday.jpg', 'inboxes', 'people.txt']);
});

test("a directory that is not a node's, or in which one runs, is left alone", async () => {
  const other = await openDataDir(join(root, 'other'), systemDisk);
  writeFileSync(join(other.root, 'holder.json'), 'x');
  await assert.rejects(wipe(other, systemDisk), { code: 'DATA_DIR_UNSAFE' });
  assert.ok(existsSync(join(other.root, 'holder.json')));
  const dir = await used();
  const lock = await acquireLock(dir, { pid: process.pid, startedAt: 0, socketDir: '' }, systemDisk);
  const before = readdirSync(dir.root);
  await assert.rejects(wipe(dir, systemDisk), { code: 'DATA_DIR_LOCKED' });
  assert.deepEqual(readdirSync(dir.root), before);
  await lock.release();
});

test('cut off anywhere it goes on when called again, and what is left does not open', async () => {
  for (let step = 0, done = false; !done; step++) {
    const dir = await used(`cut-${step}`);
    await rm(join(dir.root, 'store.key')); // of another version: it would open what it sealed
    done = await wipe(dir, failingDisk(step)).then(
      () => true,
      () => false,
    );
    if (done) break;
    // the second operation renames the first of the keys
    const opens = await unlockStore(dir, {}, { disk: systemDisk, random: systemRandom }).then(
      () => true,
      () => false,
    );
    if (step > 1) assert.equal(opens, false, `cut at ${step}`);
    await wipe(dir, systemDisk);
    assert.equal(existsSync(dir.root), false);
    assert.ok(step < 100);
  }
});

test('a shredded file was overwritten before it was removed', async () => {
  const path = join(root, 'secret');
  const seen: string[] = [];
  writeFileSync(path, 'secret'.repeat(30_000));
  const disk: Disk = {
    ...systemDisk,
    async remove(doomed) {
      const bytes = (await import('node:fs')).readFileSync(doomed);
      seen.push(`${bytes.length} ${bytes.every((byte) => byte === 0)}`);
      await systemDisk.remove(doomed);
    },
  };
  await shred(disk, path);
  await shred(disk, path);
  assert.deepEqual(seen, ['180000 true']);
  assert.deepEqual(readdirSync(root), []);
});
