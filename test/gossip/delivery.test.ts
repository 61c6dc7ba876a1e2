import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { GossipError } from '../../src/gossip/errors.ts';
import { ANNOUNCEMENT_TOPIC } from '../../src/gossip/announcements.ts';
import { PROTOCOL } from '../../src/gossip/options.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { TestNetwork } from '../transport-tor/nodes.ts';
import { connect, freshAnnouncement, type GossipNode, gossipNode, knows, remove, until } from './nodes.ts';

let t: TestNetwork;

afterEach(() => remove(t));

/** Two public nodes that know each other, and clients of one of them each. */
async function village(delayMs = 10): Promise<{ hubs: GossipNode[]; clients: GossipNode[] }> {
  t = await TestNetwork.create({ delayMs });
  const [a, b, ...clients] = await Promise.all(Array.from({ length: 6 }, () => gossipNode(t)));
  const hubs = [a as GossipNode, b as GossipNode];
  await connect(a as GossipNode, b as GossipNode);
  await Promise.all(clients.map((client, i) => connect(client, hubs[i % 2] as GossipNode)));
  return { hubs, clients };
}

describe('announcements on a network', () => {
  test('reach everybody, also those connected only through others', { timeout: 20_000 }, async () => {
    const { hubs, clients } = await village();
    const [client, ...others] = clients as [GossipNode, ...GossipNode[]];
    for (const node of [...hubs, client]) node.announcements.announce(node.signer);
    await until(() => [...hubs, ...others].every((node) => knows(node, client)), 'everybody knows');
    assert.ok(!knows(client, client));
  });

  test('reach those who come later', { timeout: 20_000 }, async () => {
    const { hubs, clients } = await village();
    const [hub, other] = hubs as [GossipNode, GossipNode];
    hub.announcements.announce(hub.signer);
    other.announcements.announce(other.signer);
    await until(() => clients.every((node) => knows(node, hub) && knows(node, other)), 'all know');
    const late = await gossipNode(t);
    await connect(late, hub);
    await until(() => knows(late, hub) && knows(late, other), 'the late one knows');
  });
});

test('a stream that is lost while the connection lives is opened again', { timeout: 10_000 }, async () => {
  t = await TestNetwork.create();
  const [a, b] = await Promise.all([gossipNode(t), gossipNode(t)]);
  await connect(a, b);
  const streams = (): Stream[] =>
    a.libp2p
      .getConnections()
      .flatMap((connection) =>
        connection.streams.filter(({ protocol, status }) => protocol === PROTOCOL && status === 'open'),
      );
  await until(() => streams().length === 2, 'one stream each way');
  for (const stream of streams()) stream.abort(new Error('lost'));
  await until(() => streams().length === 2, 'one stream each way again');
  await until(() => a.gossip.peers(ANNOUNCEMENT_TOPIC).length === 1, 'still subscribed');
  a.announcements.announce(a.signer);
  b.announcements.announce(b.signer);
  await until(() => knows(a, b) && knows(b, a), 'both hear each other');
});

test('listeners hear of messages and subscribers until they are ended', { timeout: 10_000 }, async () => {
  t = await TestNetwork.create();
  const [a, b] = await Promise.all([gossipNode(t), gossipNode(t)]);
  const heard: string[] = [];
  const [first, second] = [freshAnnouncement(), freshAnnouncement()];
  const endMessages = b.gossip.onMessage(({ topic, data, from }) =>
    heard.push(`${topic} ${toHex(data)} ${from.toString()}`),
  );
  const subscribers: string[] = [];
  const endSubscribers = a.gossip.onSubscriber((peer, topic) =>
    subscribers.push(`${topic} ${peer.toString()}`),
  );
  await connect(a, b);
  await until(() => subscribers.length > 0, 'b subscribes');
  assert.deepEqual(subscribers, [`${ANNOUNCEMENT_TOPIC} ${b.libp2p.peerId.toString()}`]);
  assert.equal(await a.gossip.publish(ANNOUNCEMENT_TOPIC, first), 1);
  assert.equal(await a.gossip.publish(ANNOUNCEMENT_TOPIC, first), 0, 'the same is said once');
  await until(() => heard.length > 0, 'b hears it');
  endMessages();
  endSubscribers();
  assert.ok(a.gossip.send(b.libp2p.peerId, ANNOUNCEMENT_TOPIC, [second]));
  await until(() => b.announcements.known().length === 2, 'b hears the other');
  assert.deepEqual(heard, [`${ANNOUNCEMENT_TOPIC} ${toHex(first)} ${a.libp2p.peerId.toString()}`]);
  b.gossip.unsubscribe(ANNOUNCEMENT_TOPIC);
  await until(() => a.gossip.peers(ANNOUNCEMENT_TOPIC).length === 0, 'b has left');
});

test('what a topic cannot hold is refused to the caller', { timeout: 10_000 }, async () => {
  t = await TestNetwork.create();
  const node = await gossipNode(t);
  const code = (code: string) => (error: unknown) => error instanceof GossipError && error.code === code;
  assert.throws(() => node.gossip.subscribe('/kith/other/1'), code('TOPIC_UNKNOWN'));
  await assert.rejects(node.gossip.publish(ANNOUNCEMENT_TOPIC, new Uint8Array(114)), code('TOO_LONG'));
  assert.equal(await node.gossip.publish(ANNOUNCEMENT_TOPIC, freshAnnouncement()), 0);
  await node.libp2p.stop();
  await assert.rejects(node.gossip.publish(ANNOUNCEMENT_TOPIC, freshAnnouncement()), code('STOPPED'));
});
