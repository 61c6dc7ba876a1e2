/** The data directory as a whole from the command line: locked, backed up, restored, wiped; passphrases stay unsaid. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Context } from '../../src/cli/context.ts';
import { init } from '../../src/cli/init.ts';
import { Output } from '../../src/cli/output.ts';
import { backup, restore } from '../../src/cli/store.ts';
import { silent } from '../../src/safety/log.ts';
import { CHEAP } from '../store/cheap.ts';
import { runHere } from './here.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const SECRETS = { store: 'correct horse battery', backup: 'second staple word' };

test('a node is locked, backed up, restored elsewhere and wiped', { timeout: 120_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'kith-store-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const [name, secret] of Object.entries(SECRETS)) await writeFile(join(dir, name), `${secret}\n`);
  const at = (name: string) => join(dir, name);

  const all = (data: string, args: string[]) => ['--json', '--log', 'debug', '--data', at(data), ...args];
  /** The last line it printed, as a program reads it. */
  const lastOf = (stdout: string, stderr: string) => {
    for (const secret of Object.values(SECRETS)) assert.ok(!(stdout + stderr).includes(secret));
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  };
  const runApart = (data: string, ...args: string[]) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const env = { ...process.env, NODE_NO_WARNINGS: '1' };
      execFile(process.execPath, [MAIN, ...all(data, args)], { env }, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(error);
        else resolve(lastOf(stdout, stderr));
      }).stdin?.end();
    });
  const run = async (data: string, ...args: string[]) => {
    const { stdout, stderr } = await runHere(all(data, args));
    return lastOf(stdout.toString(), stderr);
  };
  const store = ['--passphrase-file', at('store')];
  const wrong = ['--passphrase-file', at('backup')];
  const ofBackup = ['--backup-passphrase-file', at('backup')];

  const made = await runApart('data', 'init', ...store);
  assert.deepEqual([made['result'], made['passphrase']], ['init', true]);
  assert.equal((await run('data', 'backup', at('file'), ...wrong, ...ofBackup))['code'], 'PASSPHRASE_WRONG');
  assert.ok(!existsSync(at('file')));
  assert.equal((await run('data', 'backup', at('file'), ...ofBackup))['code'], 'PASSPHRASE_NEEDED');
  assert.equal((await runApart('data', 'backup', at('file'), ...store, ...ofBackup))['result'], 'backup');

  const restored = await runApart('other', 'restore', at('file'), ...ofBackup);
  assert.deepEqual([restored['result'], restored['passphrase']], ['restored', false]);
  assert.equal((await run('data', 'wipe'))['code'], 'NOT_CONFIRMED');
  assert.ok(existsSync(at('data')));
  assert.equal((await run('data', 'wipe', '--yes'))['result'], 'wiped');
  assert.ok(!existsSync(at('data')));
});

/** A command in this process, without a terminal: what it printed for a person. */
function here(dataDir: string, env: NodeJS.ProcessEnv = {}) {
  let shown = '';
  const stream = { write: (text: string) => (shown += text) } as unknown as NodeJS.WriteStream;
  const context: Context = {
    output: new Output(false, { stdout: stream, stderr: stream }, {}),
    dataDir,
    cost: CHEAP,
    log: silent,
    signal: new AbortController().signal,
    host: { stdin: process.stdin, stdout: stream, stderr: stream, env },
    env,
  };
  return { context, shown: () => shown };
}

test('a backup replaces nothing, and a restore that cannot be done leaves nothing', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'kith-store-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const at = (name: string) => join(dir, name);
  for (const [name, secret] of Object.entries({ ...SECRETS, 'kith-passphrase': SECRETS.store }))
    await writeFile(at(name), `${secret}\n`);
  const data = here(at('data'), { CREDENTIALS_DIRECTORY: dir }).context;
  await init(data, {});

  await writeFile(at('letter'), 'mine');
  // before anything is asked: there is nobody to ask
  await assert.rejects(backup(data, at('letter'), {}), { code: 'DISK_EXISTS' });
  assert.equal(await readFile(at('letter'), 'utf8'), 'mine');
  await assert.rejects(backup(data, at('data/people.db-new'), {}), { code: 'BACKUP_PLACE' });
  const nobody = { code: 'PASSPHRASE_NEEDED', hint: /--backup-passphrase-file/ };
  await assert.rejects(backup(data, at('file'), {}), nobody, 'the credential is that of the store');
  await backup(data, at('file'), { newFile: at('backup') });

  const other = here(at('other'), { CREDENTIALS_DIRECTORY: dir });
  const give = { newFile: at('backup') };
  await assert.rejects(restore(other.context, at('file'), {}), nobody);
  await assert.rejects(restore(other.context, at('file'), { newFile: at('store') }), {
    code: 'PASSPHRASE_WRONG',
  });
  await assert.rejects(restore(other.context, at('none'), {}), {
    code: 'DISK_MISSING',
    hint: /^Check its name/,
  });
  await assert.rejects(restore(other.context, at('file'), { newFile: at('none') }), { code: 'DISK_MISSING' });
  await writeFile(at('short'), 'short\n');
  await assert.rejects(restore(other.context, at('file'), { ...give, passphraseFile: at('short') }), {
    code: 'PASSPHRASE_WEAK',
  });
  const whole = await readFile(at('file'));
  await writeFile(at('cut'), whole);
  await truncate(at('cut'), whole.length - 1);
  await assert.rejects(restore(other.context, at('cut'), give), { code: 'BACKUP_DAMAGED' });
  assert.ok(!existsSync(at('other')), 'nothing was made');

  await restore(other.context, at('file'), give);
  assert.match(other.shown(), /Restored [1-9][\s\S]*has no passphrase: kith passphrase set\n$/);
  const locked = here(at('locked'));
  await restore(locked.context, at('file'), { ...give, passphraseFile: at('store') });
  assert.doesNotMatch(locked.shown(), /no passphrase/);
  assert.ok(!(await readdir(at('locked'))).includes('store.keyfile'));
  await assert.rejects(restore(locked.context, at('file'), { ...give, passphraseFile: at('backup') }), {
    code: 'PASSPHRASE_WRONG',
  });
});
