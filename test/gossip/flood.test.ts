/** Floods of valid announcements of fresh keys, which cost nothing to make, against what others have to say. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { ANNOUNCEMENT_TOPIC } from '../../src/gossip/announcements.ts';
import { MAX_REQUEST_IDS, NEWCOMERS_PER_PEER, PEER_MESSAGES } from '../../src/gossip/limits.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { TestNetwork } from '../transport-tor/nodes.ts';
import {
  connect,
  freshAnnouncement,
  type GossipNode,
  gossipNode,
  HEARTBEAT_MS,
  Hostile,
  remove,
  until,
} from './nodes.ts';

let t: TestNetwork;

afterEach(() => remove(t));

async function flooded(messages: number): Promise<{ victim: GossipNode; hostile: Hostile }> {
  t = await TestNetwork.create();
  const victim = await gossipNode(t);
  const hostile = await Hostile.create(t, victim);
  await until(() => victim.gossip.peers().length === 1, 'the victim sees the peer');
  for (let i = 0; i < messages; i++) say(hostile, freshAnnouncement());
  await until(() => victim.announcements.known().length >= NEWCOMERS_PER_PEER.burst, 'its share is used up');
  return { victim, hostile };
}

function say(hostile: Hostile, data: Uint8Array): void {
  hostile.rpc({ messages: [{ topic: ANNOUNCEMENT_TOPIC, data }] });
}

test('a flooder gets its share of the list and of the memory, no more', { timeout: 10_000 }, async () => {
  const { victim, hostile } = await flooded(500);
  const known = victim.announcements.known().length;
  assert.ok(known <= NEWCOMERS_PER_PEER.burst + 1, `${known} known`);
  const { seen, cached } = victim.gossip.stats();
  assert.ok(seen <= PEER_MESSAGES.burst + 10 && cached <= known, `${seen} seen, ${cached} cached`);
  assert.ok(hostile.connected, 'being busy is no offence below the rate of bytes');
  assert.equal(t.network.stats().dials, 1, 'nobody is dialed for having been announced');
});

test('a flooder that sends more than anybody has to say is disconnected', { timeout: 10_000 }, async () => {
  const { hostile } = await flooded(3_000);
  await until(() => !hostile.connected, 'it is disconnected');
});

test('a flooder cannot have the announcement of another ignored', { timeout: 10_000 }, async () => {
  const { victim, hostile } = await flooded(100);
  const other = await gossipNode(t);
  await connect(other, victim);
  await until(() => other.gossip.peers(ANNOUNCEMENT_TOPIC).length === 1, 'they see each other');
  const data = freshAnnouncement();
  const before = victim.gossip.stats().seen;
  say(hostile, data);
  say(hostile, freshAnnouncement());
  await other.gossip.publish(ANNOUNCEMENT_TOPIC, data);
  await until(() => victim.announcements.known().length > NEWCOMERS_PER_PEER.burst, 'it is known');
  assert.equal(victim.gossip.stats().seen, before + 1, "the flooder's copy left no trace");
});

test('of offered messages a bounded number is asked for', { timeout: 10_000 }, async () => {
  t = await TestNetwork.create();
  const victim = await gossipNode(t);
  const hostile = await Hostile.create(t, victim);
  await until(() => hostile.received.length > 0, 'the victim can write to it');
  const startedAt = performance.now();
  for (let i = 0; i < 15; i++) {
    const messageIDs = Array.from({ length: MAX_REQUEST_IDS + 50 }, () => systemRandom(32));
    hostile.control({ ihave: [{ topicID: ANNOUNCEMENT_TOPIC, messageIDs }] });
  }
  const asked = (): number =>
    hostile.received
      .flatMap(({ control }) => control?.iwant ?? [])
      .reduce((sum, { messageIDs }) => sum + messageIDs.length, 0);
  await until(() => asked() >= MAX_REQUEST_IDS, 'it is asked');
  await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
  // gossipsub answers ten lists per heartbeat
  const heartbeats = Math.ceil((performance.now() - startedAt) / HEARTBEAT_MS) + 1;
  assert.ok(asked() <= Math.min(15, 10 * heartbeats) * MAX_REQUEST_IDS, `${asked()} asked for`);
  assert.equal(t.network.stats().dials, 1);
});
