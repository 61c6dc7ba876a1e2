/** A public node on the fake network: what makes it worth knowing is that it is still there after a restart. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sealSlot } from '../../src/dht/sealed-slot.ts';
import { HANDLE_EPOCHS } from '../../src/node/epochs.ts';
import type { Overlay } from '../../src/node/overlay.ts';
import { wireOverlay } from '../../src/node/overlay-parts.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import { onionOf } from '../../src/wire/onion.ts';

const dir = await mkdtemp(join(tmpdir(), 'kp-'));
const network = new FakeNetwork({ dir });
const publicSeed = systemRandom(32);
const storeKey = systemRandom(32);
const onion = onionOf(nodeProvider.ed25519.publicKey(publicSeed));
after(async () => {
  await network.stop();
  await rm(dir, { recursive: true, force: true });
});

const warnings: string[] = [];

async function start(name: string, seed: Uint8Array | null): Promise<Overlay> {
  await mkdir(join(dir, name), { recursive: true });
  await mkdir(join(dir, `${name}-rows`), { recursive: true });
  const up = Promise.withResolvers<void>();
  const overlay = wireOverlay({
    tor: network.tor(),
    socketDir: join(dir, name),
    dir: join(dir, `${name}-rows`),
    publicSeed: seed,
    storeKey,
    remembered: { put: () => {}, delete: () => {}, entries: () => [] },
    entryPoints: seed === null ? [onion] : [],
    avoid: [],
    onArriving: () => {},
    epochs: HANDLE_EPOCHS,
    clock: systemClock,
    random: systemRandom,
    log: (level, message) => {
      if (level === 'warn') warnings.push(message);
    },
    onStatus: (status) => {
      if (status.onion !== null) up.resolve();
    },
  });
  overlay.start();
  await up.promise;
  return overlay;
}

test('a public node has the same onion and slots after a restart', { timeout: 30_000 }, async () => {
  const first = await start('public', publicSeed);
  assert.equal(first.status().onion, `${onion.host}.onion`);
  const other = await start('other', null);
  const { bytes, reference } = sealSlot(utf8('x'), { expiry: Math.floor(Date.now() / 1000) + 3600 });
  const signal = AbortSignal.timeout(20_000);
  const [written] = await other.scouts.put([bytes], { signal });
  assert.equal(written?.holders, 1);
  await first.stop();
  const second = await start('public', publicSeed);
  assert.deepEqual([second.status().onion, second.status().slots], [`${onion.host}.onion`, 1]);
  const [read] = await other.scouts.get([reference.pk], { signal });
  assert.ok(read?.slot);
  await Promise.all([second.stop(), other.stop()]);
  const left = (await readdir(join(dir, 'other-rows'))).filter((name) => name.startsWith('handle-'));
  assert.deepEqual(left, [], 'a handle leaves no file');
});

test('a file that was damaged is set aside and begun anew', { timeout: 30_000 }, async () => {
  const path = join(dir, 'public-rows', 'public-slots.db');
  await writeFile(path, 'this is no database, and it is longer than a header would be, to be sure of it');
  const node = await start('public', publicSeed);
  assert.equal(node.status().slots, 0);
  assert.deepEqual(warnings, ['a file that cannot be read was set aside and begun anew']);
  assert.ok((await readdir(join(dir, 'public-rows'))).includes('public-slots.db.damaged'));
  await node.stop();
});
