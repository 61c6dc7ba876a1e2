/** Gossip nodes on a fake onion network, honest ones and one that writes whatever it likes. */

import assert from 'node:assert/strict';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { RPC } from '@libp2p/gossipsub/message';
import { identify } from '@libp2p/identify';
import type { PeerId, Stream } from '@libp2p/interface';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemClock } from '../../src/safety/clock.ts';
import type { Ed25519Signer } from '../../src/safety/crypto/provider.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Announcements } from '../../src/gossip/announcements.ts';
import { type Gossip, gossip, type GossipInit } from '../../src/gossip/gossip.ts';
import { PROTOCOL } from '../../src/gossip/options.ts';
import { announcementSigningInput, encodeAnnouncement } from '../../src/wire/announcement.ts';
import { TestNetwork, type TestNode } from '../transport-tor/nodes.ts';

export const HEARTBEAT_MS = 200;

const joined = new Map<TestNetwork, Announcements[]>();

export interface GossipNode extends TestNode {
  readonly gossip: Gossip;
  readonly announcements: Announcements;
  readonly signer: Ed25519Signer;
  readonly offenders: PeerId[];
}

/** A started node that hears announcements. */
export async function gossipNode(t: TestNetwork, init: Partial<GossipInit> = {}): Promise<GossipNode> {
  const privateKey = await generateKeyPair('Ed25519');
  const signer = nodeProvider.ed25519.signer(privateKey.raw.slice(0, 32));
  const announcements = new Announcements({ clock: systemClock, random: systemRandom });
  const offenders: PeerId[] = [];
  const node = await t.node(
    {},
    {
      privateKey,
      services: {
        identify: identify({ protocolPrefix: 'kith', runOnConnectionOpen: true }),
        gossip: gossip({
          topics: [announcements.topic],
          clock: systemClock,
          heartbeatMs: HEARTBEAT_MS,
          onOffender: (peer) => offenders.push(peer),
          ...init,
        }),
      },
    },
  );
  const service = (node.libp2p.services as unknown as { gossip: Gossip }).gossip;
  announcements.join(service);
  joined.set(t, [...(joined.get(t) ?? []), announcements]);
  return { ...node, gossip: service, announcements, signer, offenders };
}

/** Ends the network and all who announce themselves on it. */
export async function remove(t: TestNetwork): Promise<void> {
  for (const announcements of joined.get(t) ?? []) announcements.leave();
  joined.delete(t);
  await t.remove();
}

export async function connect(from: TestNode, ...to: readonly TestNode[]): Promise<void> {
  await Promise.all(to.map(({ libp2p }) => from.libp2p.dial(libp2p.getMultiaddrs())));
}

/** Resolves when `holds` does, and fails the test when it does not in time. */
export async function until(holds: () => boolean, what: string, timeoutMs = 5_000): Promise<void> {
  for (const endMs = performance.now() + timeoutMs; !holds(); ) {
    assert.ok(performance.now() < endMs, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function knows(node: GossipNode, other: GossipNode): boolean {
  return node.announcements.known().some(({ onion }) => onion.host === other.transport.onion.host);
}

/** A valid announcement of a key that nobody has seen. */
export function freshAnnouncement(issued = Math.floor(Date.now() / 1000)): Uint8Array {
  const signer = nodeProvider.ed25519.signer(systemRandom(32));
  const unsigned = { publicKey: signer.publicKey, issued, expiry: issued + 2 * 86_400 };
  return encodeAnnouncement({ ...unsigned, signature: signer.sign(announcementSigningInput(unsigned)) });
}

/** A libp2p node that speaks the protocol's name and then writes bytes of its own choice. */
export class Hostile {
  readonly node: TestNode;
  readonly #stream: Stream;
  /** What the victim sent. */
  readonly received: readonly RPC[];

  private constructor(node: TestNode, stream: Stream, received: readonly RPC[]) {
    this.node = node;
    this.#stream = stream;
    this.received = received;
  }

  static async create(t: TestNetwork, victim: TestNode, answer = true): Promise<Hostile> {
    const node = await t.node({}, { services: { identify: identify({ protocolPrefix: 'kith' }) } });
    const received: RPC[] = [];
    if (answer)
      await node.libp2p.handle(PROTOCOL, async (stream) => {
        for await (const bytes of stream) received.push(...decodeFrames(bytes.subarray()));
      });
    const connection = await node.libp2p.dial(victim.libp2p.getMultiaddrs());
    return new Hostile(node, await connection.newStream(PROTOCOL), received);
  }

  get connected(): boolean {
    return this.node.libp2p.getConnections().length > 0;
  }

  /** Writes one frame. */
  frame(bytes: Uint8Array, length = bytes.length): void {
    const prefix: number[] = [];
    for (let rest = length; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) {
        prefix.push(rest);
        break;
      }
      prefix.push((rest % 128) + 128);
    }
    this.#stream.send(Uint8Array.from([...prefix, ...bytes]));
  }

  rpc(rpc: Partial<RPC>): void {
    this.frame(RPC.encode({ subscriptions: [], messages: [], ...rpc }));
  }

  control(control: Partial<RPC.ControlMessage>): void {
    this.rpc({ control: { ihave: [], iwant: [], graft: [], prune: [], idontwant: [], ...control } });
  }
}

/** The frames of bytes that hold whole ones. */
function decodeFrames(bytes: Uint8Array): RPC[] {
  const rpcs: RPC[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      length += (byte % 128) * scale;
      if (byte < 128) break;
    }
    rpcs.push(RPC.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  return rpcs;
}
