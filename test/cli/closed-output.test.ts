/** Commands whose reader goes away, as in `kith up | head -2`: they end by themselves, quietly, leaving nothing. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lockHolder } from '../../src/store/lock.ts';
import { dataDir } from '../../src/store/data-dir.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

async function run(t: TestContext, ...args: string[]) {
  const dir = await mkdtemp(join(tmpdir(), 'kith-cli-'));
  const child: ChildProcess = spawn(process.execPath, [MAIN, '--data', join(dir, 'data'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const closed = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await closed;
    await rm(dir, { recursive: true, force: true });
  });
  let errors = '';
  child.stderr?.on('data', (text) => {
    errors += String(text);
  });
  return { child, closed, dir, errors: () => errors };
}

test('a finished command keeps its exit code and prints no stack trace', async (t) => {
  const { child, closed, errors } = await run(t, '--json', 'testnet', 'status', '--dir', '/nonexistent');
  child.stdout?.destroy();
  const [code] = await closed;
  assert.equal(errors(), '');
  assert.equal(code, 0);
});

// Both nodes try to reach a bridge that nobody runs until they are stopped.
test('kith up stops cleanly when its reader goes away', { timeout: 60_000 }, async (t) => {
  const { child, closed, dir, errors } = await run(t, '--json', 'up', '--bridge', '127.0.0.1:9');
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.stdout?.destroy(); // what tor does next is told in vain
  const [code] = await closed;
  assert.equal(errors(), '');
  assert.equal(code, 1);
  assert.deepEqual(await socketsIn(dir), []);
  assert.equal(await lockHolder(dataDir(join(dir, 'data'))), null);
});

test('kith up stops cleanly when its terminal is closed', { timeout: 60_000 }, async (t) => {
  const { child, closed, dir, errors } = await run(t, '--json', 'up', '--bridge', '127.0.0.1:9');
  for await (const text of child.stdout as NodeJS.ReadableStream) {
    if (String(text).includes('bootstrapping')) break; // ends the reading too
  }
  assert.ok((await socketsIn(dir)).includes('kith.sock'));
  child.kill('SIGHUP');
  await closed;
  assert.equal(errors(), '');
  assert.deepEqual(await socketsIn(dir), []);
});

/** Names of the local sockets anywhere below `dir`. */
async function socketsIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter(({ name }) => name === 'kith.sock').map(({ name }) => name);
}
