/** Set-up: packages compared, one at a time, tor found or installed without a trace of its service. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { SetupError } from '../../dev/setup/command.js';
import { isLocked, withLock } from '../../dev/setup/lock.js';
import { sameManifest, sameTree } from '../../dev/setup/packages.js';
import { isNewEnough, OLDEST_NODE } from '../../dev/setup/runtime.js';
import { findTor, installTor, OLDEST_TOR, torIsNewEnough } from '../../dev/setup/tor.js';
import { MIN_TOR_VERSION } from '../../src/transport-tor/tor/limits.ts';

const root = resolve(import.meta.dirname, '../..');
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'setup-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** An executable shell script below the test's folder. */
function script(name: string, body: string): string {
  const path = join(dir, name);
  mkdirSync(resolve(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

const quiet = (): void => {};

describe('packages', () => {
  const a = { version: '1.0.0', integrity: 'sha512-a' };

  test('the installed tree must hold every package, in the version and with the bytes of the lock', () => {
    const wanted = { '': {}, 'node_modules/a': a };
    assert.equal(sameTree(wanted, { 'node_modules/a': a }), true);
    assert.equal(sameTree(wanted, {}), false);
    assert.equal(sameTree(wanted, { 'node_modules/a': { ...a, version: '1.0.1' } }), false);
    assert.equal(sameTree(wanted, { 'node_modules/a': { ...a, integrity: 'sha512-b' } }), false);
    assert.equal(sameTree(wanted, { 'node_modules/a': a, 'node_modules/b': a }), false);
  });

  test('an optional package of another platform may be missing, not differ', () => {
    const wanted = { 'node_modules/a': { ...a, optional: true } };
    assert.equal(sameTree(wanted, {}), true);
    assert.equal(sameTree(wanted, { 'node_modules/a': { ...a, version: '2.0.0' } }), false);
  });

  test('a lock file for other dependencies is not the lock of this package.json', () => {
    const manifest = { name: 'x', scripts: { a: 'b' }, dependencies: { a: '1.0.0' } };
    assert.equal(sameManifest(manifest, { dependencies: { a: '1.0.0' } }), true);
    assert.equal(sameManifest(manifest, { dependencies: { a: '1.0.1' } }), false);
    assert.equal(
      sameManifest(manifest, { dependencies: { a: '1.0.0' }, devDependencies: { b: '1.0.0' } }),
      false,
    );
    assert.equal(
      sameManifest({ dependencies: { b: '1', a: '1' } }, { dependencies: { a: '1', b: '1' } }),
      true,
    );
    assert.equal(sameManifest(null, { dependencies: {} }), false);
  });
});

describe('lock', () => {
  test('set-ups of one checkout run one after another', async () => {
    const events: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      events.push(`${name} starts`);
      await new Promise((done) => void setTimeout(done, 50));
      events.push(`${name} ends`);
    };
    await Promise.all(['a', 'b'].map((name) => withLock(dir, quiet, work(name))));
    assert.deepEqual(events, ['a starts', 'a ends', 'b starts', 'b ends']);
    assert.equal(isLocked(dir), false);
  });

  test('it is given back when the work fails', async () => {
    await assert.rejects(
      withLock(dir, quiet, async () => {
        assert.equal(isLocked(dir), true);
        throw new Error('failed');
      }),
      /failed/,
    );
    assert.equal(isLocked(dir), false);
  });

  test('one left by a process that is gone is taken over', async () => {
    const gone = spawnSync('true').pid;
    symlinkSync(`${gone}:1:${hostname()}`, join(dir, '.kith-setup.lock'));
    const owner = await withLock(dir, quiet, async () => readlinkSync(join(dir, '.kith-setup.lock')));
    assert.match(owner, new RegExp(`^${process.pid}:`));
  });

  test('one of a living process is waited for, and said so once', async () => {
    const said: string[] = [];
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const held = withLock(dir, quiet, () => {
      started.resolve();
      return release.promise;
    });
    await started.promise;
    const waiting = withLock(
      dir,
      (line) => void said.push(line),
      async () => 'mine',
    );
    release.resolve();
    await held;
    assert.equal(await waiting, 'mine');
    assert.equal(said.length, 1);
  });
});

describe('tor', () => {
  const good =
    'case "$1" in --version) echo "Tor version 0.4.9.11.";; --list-modules) echo "relay: yes"; echo "pow: yes";; esac';

  test('the oldest version is that of the product, and node is the one of package.json', () => {
    assert.deepEqual(OLDEST_TOR, [...MIN_TOR_VERSION]);
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    assert.equal(engines.node, `>=${OLDEST_NODE.join('.')}`);
  });

  test('versions are compared by number', () => {
    for (const [version, expected] of [
      ['0.4.9.2', true],
      ['0.4.9.11', true],
      ['0.4.10.0', true],
      ['1.0.0.0', true],
      ['0.4.9.1', false],
      ['0.4.8.99', false],
    ] as const) {
      assert.equal(torIsNewEnough(`Tor version ${version}.\n`), expected, version);
    }
    assert.equal(torIsNewEnough('something else'), false);
    assert.deepEqual(['v24.11.0', 'v26.0.0', 'v24.10.9', 'v20.20.2'].map(isNewEnough), [
      true,
      true,
      false,
      false,
    ]);
  });

  test('the first suitable one wins; too old and without proof of work are passed over', () => {
    script('old/tor', good.replace('0.4.9.11', '0.4.8.12'));
    script('bare/tor', good.replace('pow: yes', 'pow: no'));
    const suitable = script('good/tor', good);
    const path = ['old', 'bare', 'good'].map((name) => join(dir, name)).join(':');
    assert.equal(findTor({ PATH: path }, {}, [])?.path, suitable);
    assert.equal(findTor({ PATH: join(dir, 'old') }, {}, []), null);
    assert.equal(findTor({ PATH: join(dir, 'old') }, {}, [join(dir, 'good')])?.path, suitable);
  });

  test('KITH_TOR is the only one looked at', () => {
    const suitable = script('good/tor', good);
    const PATH = join(dir, 'good');
    assert.equal(findTor({ PATH, KITH_TOR: join(dir, 'missing') }, {}, []), null);
    assert.equal(findTor({ PATH: '', KITH_TOR: suitable }, {}, [])?.path, suitable);
  });

  test('a known one is not run again until it changes', () => {
    const PATH = join(dir, 'good');
    script('good/tor', good);
    const tor = findTor({ PATH }, {}, []);
    assert.ok(tor);
    script('good/tor', 'echo broken');
    assert.equal(findTor({ PATH }, { tor }, []), null, 'it changed, so it was run');
    assert.ok(
      findTor({ PATH }, { tor: { ...tor, ...sizeAndTime(join(PATH, 'tor')) } }, []),
      'it is known, so it was not',
    );
  });

  function sizeAndTime(path: string): { size: number; mtimeMs: number } {
    const found = findTor({ KITH_TOR: path }, {}, []);
    assert.equal(found, null);
    const { size, mtimeMs } = JSON.parse(
      spawnSync(process.execPath, ['-p', 'JSON.stringify(fs.statSync(process.argv[1]))', path], {
        encoding: 'utf8',
      }).stdout,
    );
    return { size, mtimeMs };
  }
});

describe('tor from apt', () => {
  const policyPath = (): string => join(dir, 'policy-rc.d');
  const seenPolicy = (): string => readFileSync(join(dir, 'seen'), 'utf8');
  const calls = (): string =>
    existsSync(join(dir, 'calls')) ? readFileSync(join(dir, 'calls'), 'utf8') : '';

  /** A PATH with stand-ins that write down how they were called; `install` shows what policy it ran under. */
  function fakeSystem(install: string, installed = ''): NodeJS.ProcessEnv {
    const copy = `cp "${policyPath()}" "${join(dir, 'seen')}" 2>/dev/null; "${policyPath()}"; echo "policy $?" >>"${join(dir, 'calls')}"`;
    script(
      'bin/apt-get',
      `echo "apt-get $*" >>"${join(dir, 'calls')}"; case "$*" in *install*) ${copy}; ${install};; esac`,
    );
    script('bin/dpkg-query', `printf '%s' "${installed}"`);
    script('bin/systemctl', `echo "systemctl $*" >>"${join(dir, 'calls')}"`);
    return { PATH: `${join(dir, 'bin')}:/usr/bin:/bin` };
  }

  const install = (env: NodeJS.ProcessEnv, isRoot = true): Promise<void> =>
    installTor({ say: quiet, env, isRoot, policyPath: policyPath() });

  test('no service is started while it is installed, none at the next boot, and nothing of us stays', async () => {
    await install(fakeSystem('exit 0'));
    assert.match(calls(), /apt-get .*update\napt-get .*install --no-install-recommends tor\npolicy 101\n/);
    assert.match(calls(), /systemctl disable tor\.service/);
    assert.equal(existsSync(policyPath()), false);
  });

  test('a policy of the system is left alone', async () => {
    const theirs = '#!/bin/sh\nexit 104\n';
    writeFileSync(policyPath(), theirs, { mode: 0o755 });
    await install(fakeSystem('exit 0'));
    assert.equal(seenPolicy(), theirs);
    assert.equal(readFileSync(policyPath(), 'utf8'), theirs);
  });

  test('the service of a tor that was there before is not disabled', async () => {
    await install(fakeSystem('exit 0', 'install ok installed'));
    assert.doesNotMatch(calls(), /systemctl/);
  });

  test('a failed installation says what to run, exit code 69, and removes the policy', async () => {
    await assert.rejects(install(fakeSystem('echo no such package; exit 100')), (error) => {
      assert.ok(error instanceof SetupError);
      assert.equal(error.exitCode, 69);
      assert.match(error.message, /no such package[^]*tor 0\.4\.9\.2 or newer/);
      return true;
    });
    assert.equal(existsSync(policyPath()), false);
  });

  test('nothing is installed for who is not root, has no apt, named a tor, or forbade it', async () => {
    const env = fakeSystem('exit 0');
    for (const attempt of [
      () => install(env, false),
      () => install({ PATH: join(dir, 'empty') }),
      () => install({ ...env, KITH_TOR: '/nowhere/tor' }),
      () => install({ ...env, KITH_NO_APT: '1' }),
    ]) {
      await assert.rejects(attempt, { exitCode: 69 });
    }
    assert.equal(calls(), '');
  });

  test('told to end, it waits for apt, removes the policy and takes a dead one of its own away', async () => {
    const started = join(dir, 'started');
    const env = fakeSystem(`touch "${started}"; trap 'exit 1' TERM; while :; do sleep 0.05; done`);
    const code = `
      const { installTor } = await import(${JSON.stringify(join(root, 'dev/setup/tor.js'))});
      await installTor({ say() {}, isRoot: true, policyPath: ${JSON.stringify(policyPath())} })
        .catch((error) => { console.log(error.signal); });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...process.env, ...env },
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
    while (!existsSync(started)) await new Promise((done) => void setTimeout(done, 10));
    const leftover = readFileSync(policyPath(), 'utf8');
    child.kill('SIGTERM');
    await once(child, 'close');
    assert.equal(stdout.trim(), 'SIGTERM');
    assert.equal(existsSync(policyPath()), false);

    // what SIGKILL would have left: it forbids nothing any more, and the next set-up removes it
    writeFileSync(policyPath(), leftover, { mode: 0o755 });
    assert.equal(spawnSync(policyPath()).status, 0);
    await install(fakeSystem('exit 0'));
    assert.equal(existsSync(policyPath()), false);
  });
});

describe('the whole', () => {
  /** A checkout without dependencies. */
  function checkout(): string {
    cpSync(join(root, 'dev/setup.js'), join(dir, 'dev/setup.js'));
    cpSync(join(root, 'dev/setup'), join(dir, 'dev/setup'), { recursive: true });
    writeFileSync(join(dir, 'package.json'), '{"name":"x","type":"module"}');
    writeFileSync(join(dir, 'package-lock.json'), '{"lockfileVersion":3,"packages":{"":{"name":"x"}}}');
    mkdirSync(join(dir, 'node_modules'));
    writeFileSync(join(dir, 'node_modules/.package-lock.json'), '{"lockfileVersion":3,"packages":{}}');
    writeFileSync(
      join(dir, 'say.ts'),
      'console.log(JSON.stringify(process.argv.slice(2) as string[])); process.exit(7);',
    );
    return join(dir, 'dev/setup.js');
  }

  const start = (...args: string[]) =>
    spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { PATH: '/nowhere', KITH_TOR: join(dir, 'tor') },
    });

  test('with nothing to do it is silent and becomes the script', () => {
    const { stdout, stderr, status } = start(checkout(), '--no-tor', 'say.ts', '--json', 'a b');
    assert.deepEqual([stdout, stderr, status], ['["--json","a b"]\n', '', 7]);
  });

  test('without a usable tor: one line, exit code 69, stdout pure', () => {
    const { stdout, stderr, status } = start(checkout(), 'say.ts');
    assert.deepEqual([stdout, status], ['', 69]);
    assert.match(
      stderr,
      /^set-up: tor 0\.4\.9\.2 or newer with the pow module is needed, and KITH_TOR names none; .*\n$/,
    );
  });

  test('without a script it only sets up', () => {
    const { stdout, stderr, status } = start(checkout(), '--no-tor');
    assert.deepEqual([stdout, stderr, status], ['', '', 0]);
  });

  test('a lock file that does not fit is not installed from', () => {
    const setup = checkout();
    writeFileSync(join(dir, 'package.json'), '{"name":"x","type":"module","dependencies":{"a":"1.0.0"}}');
    const { stderr, status } = start(setup, '--no-tor', 'say.ts');
    assert.equal(status, 1);
    assert.match(stderr, /does not match package\.json; run: npm install/);
  });
});
