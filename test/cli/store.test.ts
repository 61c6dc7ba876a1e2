/** The data directory as a whole from the command line: locked, backed up, restored, wiped; passphrases stay unsaid. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const SECRETS = { store: 'correct horse battery', backup: 'second staple word' };

test('a node is locked, backed up, restored elsewhere and wiped', { timeout: 120_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'kith-store-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const [name, secret] of Object.entries(SECRETS)) await writeFile(join(dir, name), `${secret}\n`);
  const at = (name: string) => join(dir, name);

  /** The last line it printed, as a program reads it. */
  const run = (data: string, ...args: string[]) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const env = { ...process.env, NODE_NO_WARNINGS: '1' };
      const all = [MAIN, '--json', '--log', 'debug', '--data', at(data), ...args];
      execFile(process.execPath, all, { env }, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') return reject(error);
        for (const secret of Object.values(SECRETS))
          assert.ok(!(stdout + stderr).includes(secret), args.join(' '));
        resolve(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>);
      }).stdin?.end();
    });
  const store = ['--passphrase-file', at('store')];
  const wrong = ['--passphrase-file', at('backup')];
  const ofBackup = ['--backup-passphrase-file', at('backup')];
  const mistaken = ['--backup-passphrase-file', at('store')];

  const made = await run('data', 'init', ...store);
  assert.deepEqual([made['result'], made['passphrase']], ['init', true]);
  assert.equal((await run('data', 'backup', at('file'), ...wrong, ...ofBackup))['code'], 'PASSPHRASE_WRONG');
  assert.ok(!existsSync(at('file')));
  assert.equal((await run('data', 'backup', at('file'), ...ofBackup))['code'], 'PASSPHRASE_NEEDED');
  assert.equal((await run('data', 'backup', at('file'), ...store, ...ofBackup))['result'], 'backup');

  assert.equal((await run('other', 'restore', at('file'), ...mistaken))['code'], 'PASSPHRASE_WRONG');
  const restored = await run('other', 'restore', at('file'), ...ofBackup);
  assert.equal(restored['result'], 'restored');
  assert.equal((await run('data', 'wipe'))['code'], 'NOT_CONFIRMED');
  assert.ok(existsSync(at('data')));
  assert.equal((await run('data', 'wipe', '--yes'))['result'], 'wiped');
  assert.ok(!existsSync(at('data')));
});
