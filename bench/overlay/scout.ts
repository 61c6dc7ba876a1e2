/**
 * From asking for a scout to the first answer of an entry point, beside a bare channel to the same onion that is
 * dialed and answers its first byte.
 */

import { type Dht, dht } from '../../src/dht/dht.ts';
import { kadIdOf, peerOf } from '../../src/dht/links.ts';
import { SlotStore } from '../../src/dht/slot-store.ts';
import { Channels, type SecureChannel } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { createPersona } from '../../src/net/persona/persona.ts';
import type { PersonaTor } from '../../src/node/persona-tor.ts';
import { openScout } from '../../src/node/scout.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { systemRandom } from '../../src/safety/random.ts';
import type { OnionAddress } from '../../src/wire/onion.ts';
import { compared, type Pair, type Row } from '../row.ts';
import { FakePlace, PROTOCOL, rows } from './fake.ts';

const PAIRS = 15;

export async function scoutStart(dir: string): Promise<Row> {
  const place = await FakePlace.create(dir, 'scout');
  const seed = systemRandom(32);
  const endpoint = await place.endpoint(seed, answerFirst);
  const { onion } = endpoint;
  const store = SlotStore.open({ rows: rows(), clock: systemClock, ownId: kadIdOf(peerOf(onion)) });
  const entryPoint = await createPersona({
    seed,
    listen: true,
    transport: (await place.personas()).transport('overlay', { endpoint }),
    services: { dht: dht({ store }) },
  });
  try {
    await entryPoint.start();
    const personas = await place.personas();
    const channels = new Channels({ open: personas.dialer().open });
    place.slow();
    const pairs: Pair[] = [];
    for (let i = -1; i < PAIRS; i++) {
      const baseline = await channelMs(channels, onion, `bare${i}`);
      const value = await scoutMs(personas, onion);
      if (i >= 0) pairs.push({ value, baseline }); // the first pair warms up
    }
    return compared('overlay', 'scout-start', 'ms', pairs, null);
  } finally {
    await entryPoint.stop();
    await endpoint.stop();
    await place.network.stop();
  }
}

async function scoutMs(personas: PersonaTor, onion: OnionAddress): Promise<number> {
  const signal = AbortSignal.timeout(60_000);
  const startedAt = performance.now();
  const scout = await openScout({ personas, avoid: [], clock: systemClock, random: systemRandom }, signal);
  await scout.dht.enter(onion, { signal });
  // the only node there is: the read ends with its answer
  const { answers } = await (scout.dht as Dht).get(systemRandom(32), { signal });
  const tookMs = performance.now() - startedAt;
  await scout.stop();
  if (answers !== 1) throw new Error('the entry point did not answer');
  return tookMs;
}

async function channelMs(channels: Channels, onion: OnionAddress, isolation: string): Promise<number> {
  const startedAt = performance.now();
  const channel = await channels.dial(onion, {
    as: linkIdentity(systemRandom(32)),
    protocol: PROTOCOL,
    purpose: 'bench',
    isolation,
    urgent: true,
  });
  await channel.write(Uint8Array.of(1));
  await channel.read();
  const tookMs = performance.now() - startedAt;
  channel.abort(new Error('measured'));
  return tookMs;
}

async function answerFirst(channel: SecureChannel): Promise<void> {
  const first = await channel.read();
  if (first !== null) await channel.write(first);
  await channel.read().catch(() => null); // until the dialer has measured and hung up
}
