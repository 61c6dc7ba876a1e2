/** The record of a network: what is in it, and whose it may be. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '../../src/safety/bytes.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { joinTestnet, TestnetError } from '../../src/testnet/index.ts';
import { decodeRecord, readRecord, writeRecord } from '../../src/testnet/record.ts';
import { clientLines } from '../../src/testnet/torrc.ts';
import { RECORD } from './record.ts';

test('a record is read back as it was written, and anything else is malformed', async () => {
  assert.deepEqual(decodeRecord(utf8(JSON.stringify(RECORD))), RECORD);
  const wrong = [
    'x',
    'null',
    '[]',
    '7',
    JSON.stringify({ ...RECORD, version: 2 }),
    JSON.stringify({ ...RECORD, reaper: { pid: 1, started: 'x' } }),
    JSON.stringify({ ...RECORD, reaper: { pid: -5, started: 'x' } }),
    JSON.stringify({ ...RECORD, owner: null }),
    JSON.stringify({ ...RECORD, processes: [{ pid: '5' }] }),
    JSON.stringify({ ...RECORD, clientConfig: [1] }),
    `"${'x'.repeat(70_000)}"`,
  ];
  for (const text of wrong) assert.throws(() => decodeRecord(utf8(text)), MalformedError, text.slice(0, 80));
});

test('a record configures nothing but the joining of a network', () => {
  const authority = clientLines([
    {
      plan: { name: 'auth0', authority: true, address: '127.1.2.3', orPort: 5000, dirPort: 65_000 },
      keys: { v3: 'A'.repeat(40), relay: '0'.repeat(40) },
    },
  ]);
  const good = { ...RECORD, clientConfig: authority };
  assert.deepEqual(decodeRecord(utf8(JSON.stringify(good))), good);
  for (const line of [
    'ClientTransportPlugin x exec /bin/sh',
    '%include /tmp/torrc',
    'TestingTorNetwork "1"\nSocksPort 9050',
    'TestingTorNetwork "1"\n',
    'TestingTorNetwork 1',
    ' TestingTorNetwork "1"',
    'DirAuthority ""',
    `${authority[1]} # more`,
    (authority[1] as string).replace('127.1.2.3', '192.0.2.1'),
    (authority[1] as string).replace('auth0', 'auth0" '),
    '',
  ]) {
    const text = JSON.stringify({ ...RECORD, clientConfig: [...authority, line] });
    assert.throws(() => decodeRecord(utf8(text)), MalformedError, line);
  }
});

test('a record that somebody else could have written is refused', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'kn-'));
  const file = join(dir, 'testnet.json');
  const refused = (): Promise<void> =>
    assert.rejects(
      joinTestnet(dir),
      (error: TestnetError) =>
        error instanceof TestnetError && error.code === 'TESTNET_UNSAFE' && error.hint !== '',
    );
  await writeRecord(dir, RECORD);
  assert.deepEqual(await readRecord(dir), RECORD);
  for (const mode of [0o720, 0o702]) {
    await chmod(dir, mode);
    await refused();
  }
  await chmod(dir, 0o755);
  for (const mode of [0o620, 0o602]) {
    await chmod(file, mode);
    await refused();
  }
  await chmod(file, 0o644);
  assert.deepEqual(await readRecord(dir), RECORD, 'others may read it');
  await t.test(
    'owner',
    { skip: process.getuid?.() === 0 ? false : 'only root can give a file away' },
    async () => {
      for (const path of [file, dir]) {
        await chown(path, 65_534, 65_534);
        await refused();
        await chown(path, 0, 0);
      }
      assert.deepEqual(await readRecord(dir), RECORD);
    },
  );
  await rename(file, join(dir, 'elsewhere'));
  await symlink('elsewhere', file);
  await refused();
  await rm(file);
  spawnSync('mkfifo', [file]);
  await refused();
  await rm(file);
  await mkdir(file);
  await refused();
  await rm(dir, { recursive: true });
});
