/** Slots written and read through scouts, start and end of the scout included, in round trips, beside plain kad-dht. */

import { Scouts } from '../../src/dht/scouts.ts';
import type { Member } from '../../src/node/member.ts';
import { openScout } from '../../src/node/scout.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { signSlot } from '../../src/wire/slot.ts';
import { compared, type Pair, type Row } from '../row.ts';
import { FakePlace, RTT_MS, until } from './fake.ts';
import { KadDefault, kadKey } from './kad-default.ts';

const NODES = 20;
const ENTRY_POINTS = 3;
const PAIRS = 9;
/** A slot with fewer holders than this was written to members that did not find each other. */
const HOLDERS = NODES / 2;
const CIPHERTEXT_BYTES = 512;

export async function slotRows(dir: string, progress: (sentence: string) => void): Promise<readonly Row[]> {
  const place = await FakePlace.create(dir, 'slots');
  const members: Member[] = [];
  let kad: KadDefault | undefined;
  try {
    await meet(place, members);
    const plain = (kad = await KadDefault.create(place, NODES, ENTRY_POINTS));
    const entryPoints = members.slice(0, ENTRY_POINTS).map(({ onion }) => onion);
    const personas = await place.personas();
    const scouts = new Scouts({
      open: (signal) => openScout({ personas, avoid: [], clock: systemClock, random: systemRandom }, signal),
      entryPoints: () => entryPoints,
      clock: systemClock,
      random: systemRandom,
    });
    place.slow();
    const puts: Pair[] = [];
    const gets: Pair[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const { pk, slot } = freshSlot();
      const key = kadKey();
      puts.push(
        await pair(
          () => plain.put(key, slot),
          () => write(scouts, slot),
        ),
      );
      gets.push(
        await pair(
          () => plain.get(key),
          () => read(scouts, pk),
        ),
      );
      progress(`slots: ${i + 1} of ${PAIRS}`);
    }
    return [
      compared('overlay', 'slot-put', 'RTT', puts, null),
      compared('overlay', 'slot-get', 'RTT', gets, null),
    ];
  } finally {
    await Promise.all([kad?.stop(), ...members.map((member) => member.stop())]);
    await place.network.stop();
  }
}

/** Members that know most of each other. */
async function meet(place: FakePlace, members: Member[]): Promise<void> {
  for (let i = 0; i < NODES; i++) {
    const member = await place.member();
    const entries = members.slice(0, ENTRY_POINTS);
    members.push(member);
    const signal = AbortSignal.timeout(60_000);
    await Promise.all(entries.map(({ onion }) => member.dht.enter(onion, { signal })));
  }
  const enough = Math.ceil((NODES - 1) * 0.7);
  for (const member of members) await until(() => member.peers().length >= enough, 'routing tables');
}

function freshSlot(): { pk: Uint8Array; slot: Uint8Array } {
  const signer = nodeProvider.ed25519.signer(systemRandom(32));
  const expiry = Math.floor(Date.now() / 1000) + 86_400;
  const slot = signSlot({ seq: 1, expiry, ciphertext: systemRandom(CIPHERTEXT_BYTES) }, signer);
  return { pk: signer.publicKey, slot };
}

async function write(scouts: Scouts, slot: Uint8Array): Promise<void> {
  const [written] = await scouts.put([slot], unending());
  if (written === undefined || written.holders < HOLDERS) throw new Error('too few hold the slot');
}

async function read(scouts: Scouts, pk: Uint8Array): Promise<void> {
  const [found] = await scouts.get([pk], unending());
  if (found?.slot == null) throw new Error('the slot was not found');
}

/** Scouts have a deadline of their own. */
function unending(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

/** Both one after the other, in round trips. */
async function pair(baseline: () => Promise<unknown>, value: () => Promise<unknown>): Promise<Pair> {
  const startedAt = performance.now();
  await baseline();
  const betweenAt = performance.now();
  await value();
  return {
    baseline: (betweenAt - startedAt) / RTT_MS,
    value: (performance.now() - betweenAt) / RTT_MS,
  };
}
