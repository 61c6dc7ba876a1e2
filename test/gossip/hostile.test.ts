/** One hostile neighbour, frame by frame: nothing is dialed, looked up or kept because of it, and it has to go. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { RPC } from '@libp2p/gossipsub/message';
import { ANNOUNCEMENT_TOPIC } from '../../src/gossip/announcements.ts';
import { TestNetwork } from '../transport-tor/nodes.ts';
import {
  freshAnnouncement,
  type GossipNode,
  gossipNode,
  Hostile,
  HEARTBEAT_MS,
  remove,
  until,
} from './nodes.ts';

const TOPIC = ANNOUNCEMENT_TOPIC;
const bytes = (size: number): Uint8Array => new Uint8Array(size).fill(7);

let t: TestNetwork;
let victim: GossipNode;
let hostile: Hostile;
let before: { dials: number; peers: number };

async function figures(): Promise<{ dials: number; peers: number }> {
  return { dials: t.network.stats().dials, peers: (await victim.libp2p.peerStore.all()).length };
}

beforeEach(async () => {
  t = await TestNetwork.create();
  victim = await gossipNode(t);
  hostile = await Hostile.create(t, victim);
  await until(() => victim.gossip.peers().length === 1, 'the victim sees the peer');
  before = await figures();
});

afterEach(() => remove(t));

async function dismissed(): Promise<void> {
  await until(() => !hostile.connected, 'the hostile peer is disconnected');
  assert.deepEqual(victim.offenders.map(String), [hostile.node.libp2p.peerId.toString()]);
  assert.equal(victim.announcements.known().length, 0);
  const { topics, cached, unwanted } = victim.gossip.stats();
  assert.deepEqual({ topics, cached, unwanted }, { topics: 0, cached: 0, unwanted: 0 });
  assert.deepEqual(await figures(), before);
}

const author = bytes(38);
const frames: readonly (readonly [string, () => void])[] = [
  ['a frame that is not one', () => hostile.frame(bytes(100))],
  ['a frame said to have 10 MB', () => hostile.frame(bytes(100), 10_000_000)],
  [
    '100,000 subscriptions in one frame',
    () =>
      hostile.rpc({ subscriptions: Array.from({ length: 1e5 }, () => ({ topic: 'x', subscribe: true })) }),
  ],
  [
    'more subscriptions than there are topics to have',
    () =>
      hostile.rpc({
        subscriptions: Array.from({ length: 65 }, (_, i) => ({ topic: `${i}`, subscribe: true })),
      }),
  ],
  ['a message with an author', () => message({ from: author })],
  ['a message with a number', () => message({ seqno: bytes(8) })],
  ['a message with a signature', () => message({ signature: bytes(64) })],
  ['a message with a key', () => message({ key: bytes(36) })],
  ['a message without content', () => hostile.rpc({ messages: [{ topic: TOPIC }] })],
  ['a message that is too long', () => message({ data: bytes(114) })],
  ['messages on a foreign topic', () => times(3, () => message({ topic: '/other/1' }))],
  ['announcements that are none', () => times(3, (i) => message({ data: bytes(100 + i) }))],
  ['announcements signed by somebody else', () => times(3, () => message({ data: forged() }))],
  [
    'peers to dial',
    () => times(3, () => hostile.control({ prune: [{ topicID: TOPIC, peers: [{ peerID: author }] }] })),
  ],
  [
    'offers of messages with long ids',
    () => hostile.control({ ihave: [{ topicID: TOPIC, messageIDs: [bytes(1e5)] }] }),
  ],
  ['requests for messages with long ids', () => hostile.control({ iwant: [{ messageIDs: [bytes(33)] }] })],
  [
    'telling of unwanted messages, which nobody does for short ones',
    () => times(20, () => hostile.control({ idontwant: [{ messageIDs: ids(100) }] })),
  ],
  ['GRAFT of foreign topics', () => times(2, () => hostile.control({ graft: topics(16) }))],
  ['floods of empty frames', () => times(9_000, () => hostile.frame(new Uint8Array(0)))],
  ['floods of GRAFT', () => times(9_000, () => hostile.control({ graft: [{ topicID: TOPIC }] }))],
  ['floods of requests', () => times(300, () => hostile.control({ iwant: [{ messageIDs: ids(100) }] }))],
  [
    'floods of offers',
    () => times(300, () => hostile.control({ ihave: [{ topicID: TOPIC, messageIDs: ids(100) }] })),
  ],
];

function times(count: number, send: (i: number) => void): void {
  for (let i = 0; i < count; i++) send(i);
}

function message(fields: Partial<RPC.Message>): void {
  hostile.rpc({ messages: [{ topic: TOPIC, data: freshAnnouncement(), ...fields }] });
}

function forged(): Uint8Array {
  const announcement = freshAnnouncement();
  announcement[112] = (announcement[112] as number) ^ 1;
  return announcement;
}

function topics(count: number): { topicID: string }[] {
  return Array.from({ length: count }, (_, i) => ({ topicID: `/other/${i}` }));
}

function ids(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => bytes(32).fill(i));
}

describe('a neighbour is disconnected for', () => {
  for (const [what, send] of frames) {
    test(what, { timeout: 10_000 }, async () => {
      send();
      await dismissed();
    });
  }

  test('asking to be grafted while it was told to wait', { timeout: 10_000 }, async () => {
    hostile.control({ prune: [{ topicID: TOPIC, peers: [], backoff: 60 }] });
    times(10, () => hostile.control({ graft: [{ topicID: TOPIC }] }));
    await dismissed();
  });

  test('coming back', { timeout: 10_000 }, async () => {
    hostile.frame(bytes(100));
    await dismissed();
    const connection = await hostile.node.libp2p.dial(victim.libp2p.getMultiaddrs());
    const stream = await connection.newStream('/meshsub/1.2.0');
    stream.send(Uint8Array.of(0));
    await until(() => !hostile.connected, 'it is disconnected again');
  });
});

describe('a neighbour stays, and nothing comes of', () => {
  test('subscriptions to foreign topics', { timeout: 10_000 }, async () => {
    times(10, (n) =>
      hostile.rpc({
        subscriptions: Array.from({ length: 60 }, (_, i) => ({ topic: `${n}/${i}`, subscribe: true })),
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
    assert.ok(hostile.connected);
    assert.equal(victim.gossip.stats().topics, 0);
  });

  test('a few lists of unwanted messages', { timeout: 10_000 }, async () => {
    const before = victim.gossip.stats().seen;
    times(5, () => hostile.control({ idontwant: [{ messageIDs: ids(100) }] }));
    hostile.rpc({ messages: [{ topic: TOPIC, data: freshAnnouncement() }] });
    await until(() => victim.gossip.stats().seen > before, 'what came after them was read');
    assert.equal(victim.gossip.stats().unwanted, 0);
    assert.ok(hostile.connected);
  });

  test('a wait of centuries that it asks for', { timeout: 10_000 }, async () => {
    hostile.control({ prune: [{ topicID: TOPIC, peers: [], backoff: Number.MAX_SAFE_INTEGER }] });
    await until(() => victim.gossip.stats().backoffs === 1, 'the wait is kept');
    assert.ok(hostile.connected);
  });

  test('asking for one message again and again', { timeout: 10_000 }, async () => {
    const data = freshAnnouncement();
    hostile.rpc({ subscriptions: [{ topic: TOPIC, subscribe: true }] });
    await until(() => victim.gossip.peers(TOPIC).length === 1, 'it subscribed');
    await victim.gossip.publish(TOPIC, data);
    const { messageId } = await import('../../src/gossip/options.ts');
    times(20, () => hostile.control({ iwant: [{ messageIDs: [messageId({ topic: TOPIC, data })] }] }));
    await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS));
    const copies = hostile.received.flatMap(({ messages }) => messages).length;
    assert.ok(copies >= 1 && copies <= 4, `${copies} copies`);
  });
});
