import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Connection } from '@libp2p/interface';
import { duplicateConnections } from '../../../src/transport-tor/index.ts';
import { DUPLICATE_GRACE_MS } from '../../../src/net/persona/limits.ts';
import { ManualClock } from '../../manual-clock.ts';
import { TestNetwork, type TestNode } from '../../transport-tor/nodes.ts';

let net: TestNetwork;

afterEach(() => net.remove());

async function setUp(): Promise<{ clock: ManualClock; lower: TestNode; higher: TestNode }> {
  net = await TestNetwork.create();
  const clock = new ManualClock();
  const services = { duplicates: duplicateConnections({ clock }) };
  const nodes = await Promise.all([net.node({}, { services }), net.node({}, { services })]);
  const [lower, higher] = nodes.sort((a, b) =>
    a.libp2p.peerId.toString() < b.libp2p.peerId.toString() ? -1 : 1,
  );
  assert.ok(lower && higher);
  return { clock, lower, higher };
}

function dial(from: TestNode, to: TestNode): Promise<Connection> {
  return from.libp2p.dial(to.libp2p.getMultiaddrs(), { force: true });
}

async function connected(node: TestNode, count: number): Promise<Connection[]> {
  while (node.libp2p.getConnections().length !== count) await new Promise(setImmediate);
  return node.libp2p.getConnections();
}

describe('duplicateConnections', () => {
  it('keeps the connection that the lower peer id dialed, on both sides', async () => {
    const { clock, lower, higher } = await setUp();
    await Promise.all([dial(lower, higher), dial(higher, lower)]);
    await Promise.all([connected(lower, 2), connected(higher, 2)]);
    await clock.advance(DUPLICATE_GRACE_MS - 1);
    assert.equal(lower.libp2p.getConnections().length, 2);
    await clock.advance(1);
    const [kept] = await connected(lower, 1);
    const [keptThere] = await connected(higher, 1);
    assert.equal(kept?.direction, 'outbound');
    assert.equal(keptThere?.direction, 'inbound');
  });

  it('keeps the oldest of several that one side dialed', async () => {
    for (const who of ['lower', 'higher'] as const) {
      const { clock, ...nodes } = await setUp();
      const [from, to] = who === 'lower' ? [nodes.lower, nodes.higher] : [nodes.higher, nodes.lower];
      const first = await dial(from, to);
      await new Promise((resolve) => setTimeout(resolve, 3));
      await dial(from, to);
      await connected(to, 2);
      await clock.advance(DUPLICATE_GRACE_MS);
      const [kept] = await connected(from, 1);
      assert.equal(kept?.id, first.id);
      await connected(to, 1);
      if (who === 'lower') await net.remove();
    }
  });

  it('leaves single connections alone, and stops with its node', async () => {
    const { clock, lower, higher } = await setUp();
    await dial(lower, higher);
    await connected(higher, 1);
    assert.equal(clock.sleeping, 0);
    await dial(higher, lower);
    await connected(lower, 2);
    assert.ok(clock.sleeping > 0);
    await Promise.all([lower.libp2p.stop(), higher.libp2p.stop()]);
    assert.equal(clock.sleeping, 0);
  });
});
