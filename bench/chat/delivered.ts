/**
 * From the call that sends a message to the event that says "delivered", between two nodes that are connected and proven
 * on a real Tor network, both in this process; beside the round trip of a few bytes on an open raw channel to the same
 * onion, on the same circuit where the sender dialed the link.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureChannel } from '../../src/net/channel.ts';
import type { FriendView } from '../../src/node/people-face.ts';
import { compared, type Pair, type Row } from '../row.ts';
import type { Place } from './place.ts';
import { textOf } from './texts.ts';
import { TorPerson } from './tor-person.ts';

const PAIRS = 31;
/** Left out: they compile the code, and fill what the circuit's windows start with. */
const WARM_UP = 5;
const GOAL = 5;
const PATIENCE_MS = 90_000;
const ECHO_BYTES = 16;

export async function sendToDelivered({ dir, network }: Place): Promise<Row> {
  const testnet = await network();
  const people: TorPerson[] = [];
  try {
    for (const name of ['alice', 'bob']) people.push(await TorPerson.open(join(dir, name), testnet));
    const [alice, bob] = people as [TorPerson, TorPerson];
    await Promise.all(people.map((person) => person.start()));
    await befriend(alice, bob);
    const channel = await bob.dialEcho(alice);
    const pairs: Pair[] = [];
    for (let i = 0; i < WARM_UP + PAIRS; i++) {
      const baseline = await echoMs(channel);
      const value = await deliveredMs(bob, textOf(i));
      if (i >= WARM_UP) pairs.push({ value, baseline });
    }
    channel.abort(new Error('measured'));
    const goal = `≤ ${GOAL} × raw RTT`;
    return compared('chat', 'send-to-delivered', 'ms', pairs, { goal, holds: (ratio) => ratio <= GOAL });
  } finally {
    await Promise.all(people.map((person) => person.stop()));
  }
}

async function echoMs(channel: SecureChannel): Promise<number> {
  const startedAt = performance.now();
  await channel.write(new Uint8Array(ECHO_BYTES).fill(7));
  for (let read = 0; read < ECHO_BYTES; ) {
    const bytes = await channel.read();
    if (bytes === null) throw new Error('the echo has ended');
    read += bytes.length;
  }
  return performance.now() - startedAt;
}

function deliveredMs({ calls }: TorPerson, text: string): Promise<number> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let id: string | undefined;
    const leave = calls.onEvent((event) => {
      if (event.kind !== 'message-changed' || event.message.id !== id || event.message.state !== 'delivered')
        return;
      leave();
      resolve(performance.now() - startedAt);
    });
    ({ id } = calls.send('alice', { text }));
  });
}

/** Bob uses an invite of Alice; resolves when they are linked and proven. */
async function befriend({ calls: alice }: TorPerson, { calls: bob }: TorPerson): Promise<void> {
  const { id, uri } = alice.openInvite({});
  await until('the door', () => alice.invites().some((one) => one.id === id && one.state === 'open'));
  await bob.add(uri, { name: 'alice' });
  await until('the request', () => alice.friends().some(({ state }) => state === 'asking'));
  for (const asking of alice.friends()) alice.accept(asking.id, 'bob');
  const isLinked = ({ connected, trust, waiting }: FriendView): boolean =>
    connected && trust === 'proven' && waiting === 0;
  await until('the link', () => [...alice.friends(), ...bob.friends()].every(isLinked));
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + PATIENCE_MS; !holds(); await sleep(50)) {
    if (performance.now() > endMs) throw new Error(`waited too long for ${what}`);
  }
}
