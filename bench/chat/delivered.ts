/**
 * From the call that sends a message to the event that says "delivered", between two nodes that are connected and proven
 * on a real Tor network, both in this process; beside the round trip of a few bytes on an open raw channel to the same
 * onion, on the same circuit where the sender dialed the link.
 *
 * A message takes one record of about 4 KiB, nine cells: on a private network tor alone needs several times as long for
 * that as for one cell. `send-to-delivered/same-bytes` has the same bytes on the raw channel as its baseline, there and
 * back, and so says what kith adds.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FriendView } from '../../src/node/people-face.ts';
import { compared, type Pair, type Row } from '../row.ts';
import type { Place } from './place.ts';
import { echoMs, TorPerson } from './tor-person.ts';

const PAIRS = 31;
/** Left out: they compile the code, and fill what the circuit's windows start with. */
const WARM_UP = 5;
const GOAL = 5;
const PATIENCE_MS = 90_000;
const ECHO_BYTES = 16;
/** So short that it takes the smallest message. */
const SHORT = 'Are you there?';

export async function sendToDelivered({ dir, network }: Place): Promise<readonly Row[]> {
  const testnet = await network();
  const people: TorPerson[] = [];
  try {
    for (const name of ['alice', 'bob']) people.push(await TorPerson.open(join(dir, name), testnet));
    const [alice, bob] = people as [TorPerson, TorPerson];
    await Promise.all(people.map((person) => person.start()));
    await befriend(alice, bob);
    const channel = await bob.dialEcho(alice);
    const [toRtt, toBytes]: [Pair[], Pair[]] = [[], []];
    for (let i = 0; i < WARM_UP + PAIRS; i++) {
      const rtt = await echoMs(channel, ECHO_BYTES, ECHO_BYTES);
      const before = bob.people.links.stats().bytes;
      const value = await deliveredMs(bob, SHORT);
      const after = bob.people.links.stats().bytes;
      const bytes = await echoMs(channel, after.sent - before.sent, after.received - before.received);
      if (i < WARM_UP) continue;
      toRtt.push({ value, baseline: rtt });
      toBytes.push({ value, baseline: bytes });
    }
    channel.abort(new Error('measured'));
    const goal = `≤ ${GOAL} × raw RTT`;
    return [
      compared('chat', 'send-to-delivered', 'ms', toRtt, { goal, holds: (ratio) => ratio <= GOAL }),
      compared('chat', 'send-to-delivered/same-bytes', 'ms', toBytes, null),
    ];
  } finally {
    await Promise.all(people.map((person) => person.stop()));
  }
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
