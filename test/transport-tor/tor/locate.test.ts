import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TorError } from '../../../src/transport-tor/tor/errors.ts';
import {
  installCommand,
  installHint,
  isAtLeast,
  locateTor,
  parseTorVersion,
} from '../../../src/transport-tor/tor/locate.ts';

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kl-'));
});
after(() => rm(dir, { recursive: true, force: true }));

/** A program that prints what a tor of that version would. */
async function fakeTor(name: string, version: string, pow = 'yes'): Promise<string> {
  const path = join(dir, name);
  const body = `case $1 in --version) echo 'Tor version ${version}.';; *) echo 'relay: yes'; echo 'pow: ${pow}';; esac`;
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

const code =
  (expected: string, hint: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof TorError, String(error));
    assert.equal(error.code, expected);
    assert.match(error.hint, hint);
    return true;
  };

test('KITH_TOR is taken alone, PATH before the usual places', async () => {
  const chosen = await fakeTor('chosen', '0.4.9.2');
  const usual = await fakeTor('tor', '0.4.10.1-alpha');
  assert.deepEqual(await locateTor({ env: { KITH_TOR: chosen } }), { path: chosen, version: '0.4.9.2' });
  assert.equal((await locateTor({ env: { PATH: dir }, places: [] })).path, usual);
  assert.equal((await locateTor({ env: { PATH: '' }, places: ['/nonexistent/tor', usual] })).path, usual);
  await assert.rejects(
    locateTor({ env: { KITH_TOR: join(dir, 'none') } }),
    code('TOR_NOT_FOUND', /KITH_TOR/),
  );
});

test('no tor anywhere says how to install one', async () => {
  const hint = await installHint();
  await assert.rejects(locateTor({ env: { PATH: '/nonexistent' }, places: [] }), (error: TorError) => {
    assert.equal(error.code, 'TOR_NOT_FOUND');
    assert.equal(error.hint, hint);
    return true;
  });
});

test('a tor that is too old, lacks pow or is no tor is TOR_UNSUITABLE, unless another one is sound', async () => {
  const old = await fakeTor('old', '0.4.8.13');
  const weak = await fakeTor('weak', '0.4.9.11', 'no');
  const other = join(dir, 'other');
  await writeFile(other, '#!/bin/sh\necho hello\n');
  await chmod(other, 0o755);
  for (const path of [old, weak, other]) {
    await assert.rejects(locateTor({ binary: path }), code('TOR_UNSUITABLE', /0\.4\.9\.2/));
  }
  const sound = await fakeTor('sound', '0.4.9.11');
  assert.equal((await locateTor({ env: { PATH: '' }, places: [old, weak, sound] })).path, sound);
});

test('a tor in a relative PATH entry is not run', async () => {
  await fakeTor('tor', '0.4.9.11');
  await assert.rejects(locateTor({ env: { PATH: '.::relative' }, places: [] }), code('TOR_NOT_FOUND', /./));
});

test('an aborted search rejects with the reason', async () => {
  const reason = new Error('stop');
  await assert.rejects(locateTor({ signal: AbortSignal.abort(reason) }), reason);
});

test('versions are read from the first line and compared as numbers', () => {
  assert.deepEqual(parseTorVersion('Tor version 0.4.9.11.\nThis build'), [0, 4, 9, 11]);
  assert.deepEqual(parseTorVersion('Tor version 0.4.10.1-alpha-dev (git-1).'), [0, 4, 10, 1]);
  assert.equal(parseTorVersion('tor 1.2'), null);
  assert.ok(isAtLeast([0, 4, 10], [0, 4, 9, 2]));
  assert.ok(isAtLeast([0, 4, 9, 2], [0, 4, 9, 2]));
  assert.ok(!isAtLeast([0, 4, 9], [0, 4, 9, 2]));
  assert.ok(!isAtLeast([0, 4, 8, 99], [0, 4, 9, 2]));
});

test('the install command fits the system', async () => {
  assert.match(installCommand('PRETTY_NAME="x"\nID=debian\n'), /apt-get install/);
  assert.match(installCommand('ID=linuxmint\nID_LIKE="ubuntu debian"\n'), /apt-get/);
  assert.match(installCommand('ID=fedora'), /dnf/);
  assert.match(installCommand('ID=arch'), /pacman/);
  assert.match(installCommand('ID=alpine'), /apk/);
  assert.match(installCommand('ID="opensuse-leap"\nID_LIKE="suse opensuse"'), /zypper/);
  assert.match(installCommand(''), /package manager/);
  assert.equal(await installHint('darwin'), 'Run: brew install tor');
});
