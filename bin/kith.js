#!/usr/bin/env node
// Starts the kith command on a Node.js that is new enough: this one, one that npm installed beside kith, or none.
// Plain JavaScript without imports that an old Node.js lacks, so that it can say what is wrong.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const below = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 24 || (major === 24 && minor >= 11)) {
  // While modules load, V8 grows the space of young objects to as much as 32 MB, which an idle node rarely gives back.
  // Kept at the 1 MB it begins with, that node takes 98 MB instead of 125, and neither handshakes (CPU x 0.97) nor
  // `kith say` of 5 MB (MB/s x 1.07) are slower. --optimize-for-size saves as much, but handshakes cost 1.4 x the CPU.
  setFlagsFromString('--semi-space-growth-factor=1');
  // a checkout that was never built runs its sources; an installed package always has dist
  const built = new URL('../dist/cli/main.js', import.meta.url);
  await import((existsSync(built) ? built : new URL('../src/cli/main.ts', import.meta.url)).href);
} else {
  const node = ['../node_modules/.bin/node', '../../.bin/node'].map(below).find((path) => existsSync(path));
  if (node === undefined) {
    process.stderr.write(
      `kith needs Node.js 24.11 or newer; this is ${process.version}.\nRun: npx -y -p node@24 -p kith kith\n`,
    );
    process.exit(70);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    // a terminal interrupts the child by itself
    process.on(signal, () => void (signal === 'SIGINT' && process.stdin.isTTY ? false : child.kill(signal)));
  }
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}
