/**
 * Hostile clients, a fifth of each kind, run as a child process: idle, half a handshake, garbage, one byte a second,
 * and a push of 100 MB. Each comes back as soon as it is closed, through tor on a circuit of its own each time. The
 * one argument is an {@link Order} as JSON; what was done is printed at the end, as the JSON of an `Attack`.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { CHANNEL_PROLOGUE, DialHandshake } from '../../src/net/handshake.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { socksConnect } from '../../src/transport-tor/socks5.ts';
import type { Attack, Target } from './siege.ts';

interface Order {
  readonly target: Target;
  readonly connections: number;
  /** Time to open them in, ms. */
  readonly openMs: number;
  /** Time to go on, ms. */
  readonly forMs: number;
}

const PUSH_BYTES = 100 * 1024 * 1024;
const RETRY_MS = 100;
const { target, connections, openMs, forMs } = JSON.parse(process.argv[2] ?? '') as Order;
const garbage = randomBytes(64 * 1024);
const identity = linkIdentity(systemRandom(32));
const opened = { idle: 0, half: 0, garbage: 0, slow: 0, push: 0 };
type Kind = keyof typeof opened;
const kinds = Object.keys(opened) as Kind[];
/** Attackers that were connected at least once. */
const seen = new Set<number>();
const startedAt = performance.now();
let failed = 0;
let allOpenMs: number | null = null;

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

/** Rejects when the connection does not come about. */
async function open(name: string): Promise<Socket> {
  if ('socksPath' in target) return socksConnect({ ...target, username: 'attack', password: name });
  const socket = connect(target.path);
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the connection is closed. */
async function attack(kind: Kind, socket: Socket): Promise<void> {
  opened[kind]++;
  let drip: NodeJS.Timeout | undefined;
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  if (kind === 'half') socket.write(message1());
  if (kind === 'garbage') socket.write(garbage.subarray(0, 2000));
  if (kind === 'push') push(socket);
  if (kind === 'slow') {
    const bytes = message1();
    let at = 0;
    drip = setInterval(() => socket.write(bytes.subarray(at, ++at)), 1000);
  }
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
}

/** One attacker: never gives up. */
async function goOn(slot: number): Promise<never> {
  await delay((slot * openMs) / connections);
  for (let round = 0; ; round++) {
    try {
      const socket = await open(`${slot}/${round}`);
      seen.add(slot);
      if (seen.size === connections) allOpenMs ??= Math.round(performance.now() - startedAt);
      await attack(kinds[slot % kinds.length] as Kind, socket);
    } catch {
      failed++;
      await delay(RETRY_MS);
    }
  }
}

for (let slot = 0; slot < connections; slot++) void goOn(slot);
setTimeout(() => {
  const done: Attack = { opened, failed, allOpenMs };
  process.stdout.write(`${JSON.stringify(done)}\n`, () => process.exit(0));
}, forMs);
