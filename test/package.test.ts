/** The package as npm publishes it: packed, installed into an empty folder, imported, and its types resolved. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const dir = mkdtempSync(join(tmpdir(), 'pack-'));
const app = join(dir, 'app');
after(() => rmSync(dir, { recursive: true, force: true }));

function run(command: string, args: string[], cwd: string, env = process.env): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}\n${stderr}`);
  return stdout;
}

/** npm talks to its registry, so it alone runs without the leak tripwires. */
function npm(args: string[], cwd: string): string {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  return run('npm', [...args, ...quiet], cwd, env);
}

const APP = `
import type { Transport } from '@libp2p/interface';
import { generateIdentity, Identity } from 'kith/kem';
import { noiseHfs } from 'kith/noise';
import { nodeProvider } from 'kith/provider/node';
import { tor, type TorTransportInit } from 'kith/transport-tor';

export function parts(init: TorTransportInit): { transport: (components: never) => Transport; encrypter: unknown } {
  return { transport: tor(init), encrypter: noiseHfs() };
}

export function identity(random: (size: number) => Uint8Array<ArrayBuffer>): Identity {
  return new Identity(nodeProvider, generateIdentity({ random }));
}
`;

const IMPORTS = `
  const names = ['kith/transport-tor', 'kith/noise', 'kith/kem', 'kith/provider/node', 'kith/provider/noble', 'kith'];
  const [{ tor }, { noiseHfs }, { Identity }, { nodeProvider }, { nobleProvider }, whole] =
    await Promise.all(names.map((name) => import(name)));
  // ML-DSA and ML-KEM by whatever this Node.js takes and gives
  const secrets = { edSeed: new Uint8Array(32), dsaSeed: new Uint8Array(32), deviceSecret: new Uint8Array(32), deviceId: new Uint8Array(16) };
  const [a, b] = [nodeProvider, nobleProvider].map((provider) => new Identity(provider, secrets).fingerprint.join());
  console.log([typeof tor, typeof noiseHfs, a === b, typeof whole, process.versions.node.split('.')[0]].join(' '));
`;

before(() => {
  // built and packed aside, so that the checkout keeps its own dist
  const packed = join(dir, 'kith');
  mkdirSync(packed);
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  for (const name of ['package.json', ...files]) {
    if (name !== 'dist' && existsSync(join(root, name)))
      cpSync(join(root, name), join(packed, name), { recursive: true });
  }
  run(
    join(root, 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', join(packed, 'dist')],
    root,
  );
  npm(['pack', '--pack-destination', dir], packed);
  const tarball = readdirSync(dir).find((name) => name.endsWith('.tgz'));
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"name":"app","private":true,"type":"module"}');
  npm(['install', join(dir, tarball ?? '')], app);
});

test('the tarball holds what is needed to run and nothing of the workshop', () => {
  const installed = readdirSync(join(app, 'node_modules/kith'));
  assert.ok(
    ['bin', 'dist', 'package.json', 'README.md'].every((name) => installed.includes(name)),
    installed.join(),
  );
  assert.ok(
    !installed.some((name) => ['src', 'test', 'dev', 'fuzz', 'bench', 'node_modules'].includes(name)),
    installed.join(),
  );
});

test('its parts are imported by name', () => {
  const stdout = run(process.execPath, ['--input-type=module', '-e', IMPORTS], app);
  assert.equal(stdout, `function function true object ${process.versions.node.split('.')[0]}\n`);
});

test('the command starts', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.match(
    run(process.execPath, [join(app, 'node_modules/.bin/kith'), '--version'], app),
    new RegExp(version.replaceAll('.', '\\.')),
  );
});

test('its types resolve in a strict consumer that checks libraries too', () => {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
  };
  writeFileSync(join(app, 'app.ts'), APP);
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  if (!existsSync(join(app, 'node_modules/@types')))
    symlinkSync(join(root, 'node_modules/@types'), join(app, 'node_modules/@types'));
  run(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], app);
});

test('it is imported on Node.js 24', {
  skip: process.env['KITH_LONG'] === undefined && 'part of npm run test:long',
}, () => {
  const old = join(dir, 'node24');
  mkdirSync(old);
  writeFileSync(join(old, 'package.json'), '{"private":true}');
  npm(['install', `node-linux-${process.arch}@24`], old);
  const stdout = run(
    join(old, `node_modules/node-linux-${process.arch}/bin/node`),
    ['--input-type=module', '-e', IMPORTS],
    app,
  );
  assert.equal(stdout, 'function function true object 24\n');
});
