/**
 * Hostile clients of a unix socket, a fifth of each kind, run as a child process: idle, half a handshake, garbage,
 * one byte a second, and a push of 100 MB. Each reopens as soon as it is closed. Arguments: socket path, number of
 * connections, milliseconds to open them in, milliseconds to go on.
 */

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { CHANNEL_PROLOGUE, DialHandshake } from '../../src/net/handshake.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';

const PUSH_BYTES = 100 * 1024 * 1024;
const [path = '', count = '100', openMs = '1000', forMs = '5000'] = process.argv.slice(2);
const garbage = randomBytes(64 * 1024);
const identity = linkIdentity(systemRandom(32));
const opened = { idle: 0, half: 0, garbage: 0, slow: 0, push: 0 };
type Kind = keyof typeof opened;
const kinds = Object.keys(opened) as Kind[];
let over = false;

function message1(): Uint8Array {
  return new DialHandshake({
    provider: nodeProvider,
    random: systemRandom,
    prologue: CHANNEL_PROLOGUE,
    identity,
    expectedKey: null,
  }).frame1;
}

function push(socket: Socket): void {
  let left = PUSH_BYTES;
  // a plausible length first, so that the bytes are taken for a message 1
  socket.write(Uint8Array.of(1216 >> 8, 1216 & 255));
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= garbage.length;
      if (!socket.write(garbage)) break;
    }
  };
  socket.on('drain', more);
  more();
}

function attack(kind: Kind): void {
  if (over) return;
  opened[kind]++;
  const socket = connect(path);
  let drip: NodeJS.Timeout | undefined;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(drip);
    attack(kind);
  });
  socket.on('data', () => undefined);
  socket.on('connect', () => {
    if (kind === 'half') socket.write(message1());
    if (kind === 'garbage') socket.write(garbage.subarray(0, 2000));
    if (kind === 'push') push(socket);
    if (kind === 'slow') {
      const bytes = message1();
      let at = 0;
      drip = setInterval(() => socket.write(bytes.subarray(at, ++at)), 1000);
    }
  });
}

for (let i = 0; i < Number(count); i++) {
  setTimeout(() => attack(kinds[i % kinds.length] as Kind), (i * Number(openMs)) / Number(count));
}
setTimeout(() => {
  over = true;
  process.stdout.write(`${JSON.stringify(opened)}\n`);
  process.exit(0);
}, Number(forMs));
