import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { systemDisk } from '../../src/safety/disk.ts';
import {
  dataDir,
  defaultDataDir,
  openDataDir,
  openSocketDir,
  socketDirFits,
} from '../../src/store/data-dir.ts';
import { acquireLock, lockHolder } from '../../src/store/lock.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kith-store-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const holder = { pid: process.pid, startedAt: Date.UTC(2026, 0, 2), socketDir: '/nowhere' };

test('the directory is made private, also when it was not', async () => {
  await chmod(root, 0o755);
  const dir = await openDataDir(root, systemDisk);
  assert.equal((await stat(dir.root)).mode & 0o777, 0o700);
  assert.equal((await stat(dir.inbox)).mode & 0o777, 0o700);
});

test('a directory with other things in it is not closed to others', async () => {
  await chmod(root, 0o755);
  await writeFile(join(root, 'holiday.jpg'), '');
  await assert.rejects(openDataDir(root, systemDisk), { code: 'DATA_DIR_UNSAFE' });
  assert.equal((await stat(root)).mode & 0o777, 0o755);
});

test('a directory of a node is closed to others, of whatever version', async () => {
  for (const name of ['store.slots', 'home.seed']) {
    const at = join(root, name);
    await mkdir(at);
    await writeFile(join(at, name), '');
    await writeFile(join(at, 'holiday.jpg'), '');
    await chmod(at, 0o755);
    await openDataDir(at, systemDisk);
    assert.equal((await stat(at)).mode & 0o777, 0o700);
  }
});

test('a file in its place is refused', async () => {
  await writeFile(join(root, 'file'), '');
  await assert.rejects(openDataDir(join(root, 'file'), systemDisk), { code: 'DISK_EXISTS' });
});

test('where it lies by default', () => {
  assert.equal(defaultDataDir({ KITH_DATA: '/a', XDG_DATA_HOME: '/b' }), '/a');
  assert.equal(defaultDataDir({ XDG_DATA_HOME: '/b' }), '/b/kith');
  assert.match(defaultDataDir({}), /\.local\/share\/kith$/);
});

test('sockets of a deep directory move to a short private one, which goes away again', async () => {
  const dir = await openDataDir(join(root, 'd'.repeat(100)), systemDisk);
  const sockets = await openSocketDir(dir, systemDisk);
  assert.ok(sockets.path.length < 60);
  assert.equal((await stat(sockets.path)).mode & 0o777, 0o700);
  await sockets.remove();
  await assert.rejects(stat(sockets.path));
  const near = await openSocketDir(await openDataDir(root, systemDisk), systemDisk);
  assert.equal(near.path, join(root, 'run'));
});

test('sockets of a directory whose path tor cannot take as a bare word move too', async () => {
  for (const name of ['a b', 'a"b', 'a\\b', 'ä', 'a\tb', 'a\u007fb']) {
    const dir = dataDir(join(root, name));
    assert.equal(socketDirFits(dir), false, JSON.stringify(name));
    const sockets = await openSocketDir(dir, systemDisk);
    assert.ok(!sockets.path.startsWith(dir.root));
    await sockets.remove();
  }
  for (const name of ['a', "!#'[]~.:,=", 'A-Z_0'])
    assert.equal(socketDirFits(dataDir(`/${name}`)), true, name);
});

test('the second node in a directory is told who the first one is', async () => {
  const dir = await openDataDir(root, systemDisk);
  const lock = await acquireLock(dir, holder, systemDisk);
  assert.deepEqual(await lockHolder(dir), holder);
  await assert.rejects(acquireLock(dir, holder, systemDisk), {
    code: 'DATA_DIR_LOCKED',
    message: `a node is already running in this data directory (process ${process.pid}, since 2026-01-02T00:00:00.000Z)`,
  });
  await lock.release();
  assert.equal(await lockHolder(dir), null);
  await (await acquireLock(dir, holder, systemDisk)).release();
});

test('a lock that cannot be opened is a typed error', async () => {
  const dir = await openDataDir(root, systemDisk);
  await mkdir(dir.lock);
  await assert.rejects(acquireLock(dir, holder, systemDisk), { code: 'DATA_DIR_UNSAFE' });
});

test('kill -9 of the holder frees the directory', async () => {
  const dir = await openDataDir(root, systemDisk);
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { acquireLock } from ${JSON.stringify(new URL('../../src/store/lock.ts', import.meta.url).href)};
       import { systemDisk } from ${JSON.stringify(new URL('../../src/safety/disk.ts', import.meta.url).href)};
       await acquireLock(${JSON.stringify(dataDir(root))}, { pid: process.pid, startedAt: 0, socketDir: '' }, systemDisk);
       console.log('locked');
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  assert.equal((await lockHolder(dir))?.pid, child.pid);
  await assert.rejects(acquireLock(dir, holder, systemDisk), { code: 'DATA_DIR_LOCKED' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await lockHolder(dir), null);
  await (await acquireLock(dir, holder, systemDisk)).release();
});
