/** Two whole nodes on a real Tor network: what a user does, and what goes wrong under them. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { linkIdentity } from '../../src/net/link-identity.ts';
import type { KithEvent, Role } from '../../src/node/face.ts';
import { createKith, type KithNode } from '../../src/node.ts';
import { KithError } from '../../src/safety/errors.ts';
import { decodeOnion, onionOf } from '../../src/wire/onion.ts';
import { useTestnet } from '../testnet.ts';

/** After a fault messages must flow again within this, ms. */
const RECOVERY_MS = 20_000;
/** How long a tor is frozen, ms; the long run does what the promise says. */
const FROZEN_MS = process.env['KITH_LONG'] === '1' ? 30_000 : 4000;

const { clientConfig } = await useTestnet();
const dir = await mkdtemp(join(tmpdir(), 'kn-'));

class Node {
  readonly events: KithEvent[] = [];
  readonly dataDir: string;
  kith!: KithNode;

  readonly role: Role;

  constructor(name: string, role: Role = 'ordinary') {
    this.dataDir = join(dir, name);
    this.role = role;
  }

  async start(): Promise<void> {
    this.kith = await createKith({
      dataDir: this.dataDir,
      role: this.role,
      home: 'open',
      tor: { config: clientConfig },
      onEvent: (event) => this.events.push(event),
    });
    await this.kith.start();
  }

  get torPid(): number {
    const { pid } = this.kith.status().tor;
    assert.ok(pid !== undefined);
    return pid;
  }

  /** SHA-256 of every message received so far. */
  received(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'received' ? [Buffer.from(event.received.digest).toString('hex')] : [],
    );
  }
}

const alice = new Node('alice', 'public');
const bob = new Node('bob');
before(() => Promise.all([alice.start(), bob.start()]));
after(async () => {
  await Promise.all([alice.kith.stop(), bob.kith.stop()]);
  await rm(dir, { recursive: true, force: true });
});

async function* pieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}

/** `from` says fresh random bytes to `to`, which must have them, whole and once. */
async function exchange(from: Node, to: Node, sizeBytes = 1000): Promise<number> {
  const content = randomBytes(sizeBytes);
  const { tookMs } = await from.kith.say(to.kith.onion, pieces(content));
  const digest = createHash('sha256').update(content).digest('hex');
  assert.equal(to.received().filter((seen) => seen === digest).length, 1);
  return tookMs;
}

test('who knows nobody says so; with one public node it is in the overlay and stays known', async () => {
  const status = () => bob.kith.status().overlay;
  while (status().state !== 'alone') await sleep(100);
  await assert.rejects(bob.kith.putSlot(randomBytes(10)), { code: 'NO_ENTRY_POINTS' });
  while (alice.kith.status().overlay.onion === null) await sleep(100);
  const entry = decodeOnion(alice.kith.status().overlay.onion ?? '');
  await bob.kith.addPeer(entry, AbortSignal.timeout(30_000));
  while (status().state !== 'joined') await sleep(100);
  assert.deepEqual(
    bob.kith.peers().entryPoints.map(({ onion, source }) => [onion, source]),
    [[`${entry.host}.onion`, 'remembered']],
  );
  const { reference, holders } = await bob.kith.putSlot(Buffer.from('for whoever has the line'));
  assert.equal(holders, 2, 'the public node, and its own handle like any other');
  const { content } = await bob.kith.getSlot(reference);
  assert.equal(Buffer.from(content).toString(), 'for whoever has the line');
});

test('a message goes each way and is on disk as it was sent', async () => {
  const content = randomBytes(300_000);
  await alice.kith.say(bob.kith.onion, pieces(content));
  const last = bob.events.findLast((event) => event.kind === 'received');
  assert.ok(last?.kind === 'received');
  assert.deepEqual(await readFile(last.received.path), content);
  assert.deepEqual(onionOf(last.received.from).host, alice.kith.onion.host);
  await exchange(bob, alice);
});

test('an anonymous message does not show its sender', async () => {
  await alice.kith.say(bob.kith.onion, pieces(randomBytes(10)), { anonymous: true });
  const last = bob.events.findLast((event) => event.kind === 'received');
  assert.ok(last?.kind === 'received');
  assert.notDeepEqual(onionOf(last.received.from).host, alice.kith.onion.host);
});

test('messages flow again within 20 s after kill -9 of either tor', async () => {
  for (const victim of [bob, alice]) {
    const pid = victim.torPid;
    const startedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    await exchange(alice, bob);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < RECOVERY_MS, `recovered after ${Math.round(tookMs)} ms`);
    assert.notEqual(victim.torPid, pid);
  }
});

test('a tor that stands still for a while loses nothing', async () => {
  for (const victim of [bob, alice]) {
    const pid = victim.torPid;
    process.kill(pid, 'SIGSTOP');
    const saying = exchange(alice, bob);
    saying.catch(() => {}); // looked at below
    await sleep(FROZEN_MS);
    process.kill(pid, 'SIGCONT');
    await saying;
    assert.equal(victim.torPid, pid, 'the same tor goes on');
  }
});

test('an onion that nobody runs is a typed error with a cause and a next step', async () => {
  const nobody = onionOf(linkIdentity(randomBytes(32)).publicKey);
  const signal = AbortSignal.timeout(4000);
  const failures: string[] = [];
  await assert.rejects(
    alice.kith.say(nobody, pieces(randomBytes(1)), { signal, onRetry: (error) => failures.push(error.code) }),
  );
  assert.ok(failures.length > 0 && failures.every((code) => code.startsWith('ONION_')), failures.join());
});

test('a second node in the same directory is told who holds it', async () => {
  await assert.rejects(createKith({ dataDir: bob.dataDir }), (error: unknown) => {
    assert.ok(error instanceof KithError);
    assert.equal(error.code, 'DATA_DIR_LOCKED');
    assert.match(error.message, new RegExp(`process ${process.pid}`));
    return true;
  });
});

test('a disk that fills up refuses the message, says so on both sides, and the node goes on', async (t) => {
  const full = join(dir, 'small');
  try {
    execFileSync('mkdir', ['-p', full]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', full], { stdio: 'ignore' });
  } catch {
    t.skip('mounting a small file system needs root');
    return;
  }
  const carol = new Node('small/carol');
  try {
    await carol.start();
    await assert.rejects(alice.kith.say(carol.kith.onion, pieces(randomBytes(20_000_000))), {
      code: 'SAY_REFUSED',
      message: /disk is full/,
    });
    assert.ok(carol.events.some((event) => event.kind === 'refused' && event.status === 'disk-full'));
    await exchange(alice, carol);
  } finally {
    await carol.kith.stop();
    execFileSync('umount', [full]);
  }
});

test('a node that stops and starts again is the same onion', async () => {
  const before = bob.kith.onion.host;
  await bob.kith.stop();
  await bob.start();
  assert.equal(bob.kith.onion.host, before);
  const startedAt = performance.now();
  await exchange(alice, bob);
  assert.ok(performance.now() - startedAt < RECOVERY_MS);
});

test('a node that cannot start, or is stopped while it starts, ends and leaves the directory free', async () => {
  const dataDir = join(dir, 'dave');
  const broken = await createKith({ dataDir, tor: { binary: '/nonexistent' } });
  await assert.rejects(broken.start(), { code: 'TOR_NOT_FOUND' });
  const hasty = await createKith({ dataDir, tor: { config: clientConfig } });
  const starting = hasty.start();
  starting.catch(() => {}); // looked at below
  await hasty.stop();
  await assert.rejects(starting, { code: 'NODE_STOPPED' });
  await assert.rejects(hasty.start(), { code: 'NODE_STOPPED' });
  assert.equal(hasty.status().tor.pid, undefined);
  await (await createKith({ dataDir })).stop();
});
