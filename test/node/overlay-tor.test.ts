/** Eight nodes in the overlay of a real Tor network, two of them public: what is put outlives every handle. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openSlot, sealSlot } from '../../src/dht/sealed-slot.ts';
import type { EpochSchedule } from '../../src/node/epochs.ts';
import type { OverlayStatus } from '../../src/node/face.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { Tor } from '../../src/transport-tor/tor/tor.ts';
import type { OnionAddress } from '../../src/wire/onion.ts';
import { useTestnet } from '../testnet.ts';
import { LeapingClock, OverlayNode } from './overlay-nodes.ts';

const EPOCHS: EpochSchedule = { lengthMs: 3_600_000, windowMs: 3000 };
const PUBLIC = ['p1', 'p2'];
const ORDINARY = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];

const { clientConfig } = await useTestnet();
const dir = await mkdtemp(join(tmpdir(), 'ko-'));
const clock = new LeapingClock();
const nodes = new Map<string, OverlayNode>();
const node = (name: string): OverlayNode => nodes.get(name) as OverlayNode;
const soon = (): AbortSignal => AbortSignal.timeout(45_000);

async function start(
  name: string,
  entryPoints: readonly OnionAddress[],
  options: { isPublic?: boolean; keepsNothing?: boolean } = {},
): Promise<void> {
  const tor = new Tor({
    dataDir: join(dir, `${name}-tor`),
    socketDir: join(dir, name),
    config: clientConfig, // not the leaping clock: tor's watchdog would take the leap for a night's sleep
  });
  nodes.set(
    name,
    await OverlayNode.start({ name, dir, tor, clock, epochs: EPOCHS, entryPoints, ...options }),
  );
}

before(async () => {
  // public nodes without room: what is kept, handles keep
  await start('p1', [], { isPublic: true, keepsNothing: true });
  await node('p1').until(({ onion }) => onion !== null, soon());
  const entry = [node('p1').onion];
  await start('p2', entry, { isPublic: true, keepsNothing: true });
  await Promise.all(ORDINARY.map((name) => start(name, entry)));
  await Promise.all(ORDINARY.map((name) => node(name).until(({ peers }) => peers >= 6, soon())));
});
after(async () => {
  await Promise.all([...nodes.values()].map((one) => one.stop()));
  await rm(dir, { recursive: true, force: true });
});

test('a slot outlives all handles that held it, with no public node holding it', async () => {
  const expiry = Math.floor(clock.now() / 1000) + 86_400;
  const { bytes, reference } = sealSlot(utf8('still here'), { expiry });
  const [written] = await node('n1').overlay.scouts.put([bytes], { signal: soon() });
  assert.ok(written !== undefined && written.holders >= 3, `held by ${String(written?.holders)}`);
  const held = ORDINARY.map((name) => node(name).status.slots).reduce((a, b) => a + b);
  assert.equal(held, written.holders, 'handles alone hold it');

  const before = new Map(ORDINARY.map((name) => [name, node(name).status]));
  const nextEpoch = Math.floor(clock.now() / EPOCHS.lengthMs) + 1;
  clock.leap(nextEpoch * EPOCHS.lengthMs);
  const changed = ({ epoch, changing }: OverlayStatus): boolean => epoch === nextEpoch && !changing;
  await Promise.all(ORDINARY.map((name) => node(name).until(changed, soon())));
  for (const name of ORDINARY) assert.notEqual(node(name).status.onion, before.get(name)?.onion, name);

  const [read] = await node('n6').overlay.scouts.get([reference.pk], { signal: soon() });
  assert.ok(read?.slot, 'found after every handle changed');
  assert.deepEqual(openSlot(read.slot, reference), utf8('still here'));
  assert.equal(
    PUBLIC.map((name) => node(name).status.slots).reduce((a, b) => a + b),
    0,
  );
});

test('the second public node is known to all by gossip alone', async () => {
  const { host } = node('p2').onion;
  for (const name of ORDINARY) {
    const known = (): boolean =>
      node(name)
        .overlay.peers()
        .entryPoints.some(({ onion }) => onion === `${host}.onion`);
    await node(name).until(known, soon());
  }
});
