import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Disk, DiskError, diskError, systemDisk, writeDurably } from '../../src/safety/disk.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-disk-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Records the order of operations on the real disk. */
function recording(order: string[]): Disk {
  return {
    ...systemDisk,
    create: async (path) => {
      order.push('create');
      const file = await systemDisk.create(path);
      return {
        append: (bytes) => (order.push('append'), file.append(bytes)),
        datasync: () => (order.push('datasync'), file.datasync()),
        close: () => (order.push('close'), file.close()),
      };
    },
    rename: (from, to) => (order.push('rename'), systemDisk.rename(from, to)),
    syncDir: (path) => (order.push('syncDir'), systemDisk.syncDir(path)),
  };
}

test('a durable write is synced before it is renamed, and the directory after', async () => {
  const order: string[] = [];
  const path = join(dir, 'a');
  await writeDurably(recording(order), path, Buffer.from('one'));
  assert.deepEqual(order, ['create', 'append', 'datasync', 'close', 'rename', 'syncDir']);
  await writeDurably(systemDisk, path, Buffer.from('two'));
  assert.equal(await readFile(path, 'utf8'), 'two');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(dir), ['a']);
});

test('a failed write keeps the old file and leaves nothing else', async () => {
  const path = join(dir, 'a');
  await writeDurably(systemDisk, path, Buffer.from('old'));
  const full: Disk = {
    ...systemDisk,
    rename: async () => {
      throw diskError('renaming', Object.assign(new Error('full'), { code: 'ENOSPC' }));
    },
  };
  await assert.rejects(writeDurably(full, path, Buffer.from('new')), { code: 'DISK_FULL' });
  assert.equal(await readFile(path, 'utf8'), 'old');
  assert.deepEqual(await readdir(dir), ['a']);
});

test('system errors become typed ones that name no path', async () => {
  const missing = join(dir, 'no', 'such');
  for (const [work, code] of [
    [() => systemDisk.create(missing), 'DISK_MISSING'],
    [() => systemDisk.rename(missing, dir), 'DISK_MISSING'],
    [() => systemDisk.syncDir(missing), 'DISK_MISSING'],
    [() => systemDisk.freeBytes(missing), 'DISK_MISSING'],
  ] as const) {
    await assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof DiskError);
      assert.equal(error.code, code);
      assert.ok(!error.message.includes(dir) && !error.hint.includes(dir));
      return true;
    });
  }
  assert.equal(diskError('x', Object.assign(new Error(), { code: 'EROFS' })).code, 'DISK_DENIED');
  assert.equal(diskError('x', new Error('odd')).code, 'DISK_FAILED');
  await systemDisk.remove(join(dir, 'none'));
  assert.ok((await systemDisk.freeBytes(dir)) > 0);
});
