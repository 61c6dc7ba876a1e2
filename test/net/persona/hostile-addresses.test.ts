/** Whatever addresses a peer feeds in, and wherever: no lookup, no socket, no dial, and nothing is kept. */

import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys';
import { identify, identifyPush } from '@libp2p/identify';
import type { IdentifyResult, PeerId } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { Gater } from '../../../src/net/persona/gater.ts';
import { PEER_PROTOCOLS } from '../../../src/net/persona/limits.ts';
import { dialAddress } from '../../../src/net/persona/own-address.ts';
import type { Persona } from '../../../src/net/persona/persona.ts';
import { utf8 } from '../../../src/safety/bytes.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { peerIdOfKey } from '../../../src/transport-tor/keys.ts';
import { type OnionAddress, onionOf } from '../../../src/wire/onion.ts';
import { answerIdentify, encodeMessage, FIELDS, IDENTIFY } from './identify-message.ts';
import { watchLeaks } from './leaks.ts';
import { PersonaNetwork, seedOf, type TestPersona, until } from './personas.ts';

const { leaks, restore } = watchLeaks();
after(restore);

let net: PersonaNetwork;
let alice: TestPersona;
let persona: Persona;

beforeEach(async () => {
  net = await PersonaNetwork.create();
  alice = await net.persona(1);
  ({ persona } = alice);
});

afterEach(() => net.remove());

const keyOf = (n: number): Uint8Array => nodeProvider.ed25519.publicKey(seedOf(n));

/** Addresses that nobody may dial, said to be those of the peer with this onion. */
function hostile({ host, publicKey }: OnionAddress): Multiaddr[] {
  const id = peerIdOfKey(publicKey).toString();
  const other = onionOf(keyOf(77));
  const otherId = peerIdOfKey(keyOf(77)).toString();
  return [
    '/dnsaddr/evil.example',
    `/dnsaddr/evil.example/p2p/${id}`,
    '/dns/evil.example/tcp/1',
    '/dns4/evil.example/tcp/443/wss',
    '/dns6/evil.example/udp/1/quic-v1',
    '/ip4/192.0.2.1/tcp/4001',
    '/ip4/127.0.0.1/tcp/9051/ws',
    '/ip6/2001:db8::1/udp/4001/quic-v1',
    '/ip6/::1/tcp/22',
    '/unix/%2ftmp%2fsocket',
    '/memory/1',
    `/p2p/${otherId}/p2p-circuit`,
    `/onion3/${other.host}:1000`,
    `/onion3/${other.host}:1000/p2p/${id}`,
    `/onion3/${other.host}:1000/p2p/${otherId}`,
    `/onion3/${other.host}:1000/p2p/${otherId}/p2p-circuit/p2p/${id}`,
    `/onion3/${host}:1001`,
    `/onion3/${host}:22/p2p/${id}`,
    `/onion3/${host}:1000/ws`,
    `/onion3/${host}:1000/tcp/80`,
    `/onion3/${host}:1000/p2p-circuit/p2p/${id}`,
    `/onion3/${host}:1000/p2p/${otherId}`,
    `/ip4/192.0.2.1/tcp/1/onion3/${host}:1000`,
    `/dns4/evil.example/onion3/${host}:1000`,
    ...Array.from({ length: 200 }, (_, i) => `/ip4/10.0.${i >> 8}.${i & 255}/tcp/80`),
  ].flatMap((text) => {
    try {
      return [multiaddr(text)];
    } catch {
      return []; // not even libp2p reads it
    }
  });
}

async function kept(peer: PeerId): Promise<string[]> {
  const { addresses } = await persona.libp2p.peerStore.get(peer);
  return addresses.map((address) => String(address.multiaddr));
}

/** Whether a string lies anywhere in the datastore, in the text or the binary form of addresses. */
function stored(...needles: readonly (string | Uint8Array)[]): boolean {
  const values: Uint8Array[] = [];
  for (const { key, value } of alice.datastore.query({})) values.push(utf8(key.toString()), value);
  const all = Buffer.concat(values);
  return needles.some((needle) => all.includes(needle));
}

describe('hostile addresses', { timeout: 20_000 }, () => {
  it('are not kept by the peer store, however they come in, and not dialed', async () => {
    const onion = onionOf(keyOf(2));
    const peer = peerIdOfKey(keyOf(2));
    const multiaddrs = hostile(onion);
    assert.ok(multiaddrs.length > 215);
    const own = multiaddr(`/onion3/${onion.host}:1000`);
    // detached, as libp2p calls them
    const { denyDialMultiaddr, filterMultiaddrForPeer } = new Gater().connectionGater();
    for (const address of multiaddrs) {
      assert.equal(await filterMultiaddrForPeer?.(peer, address), false, String(address));
      if (!address.equals(dialAddress(onionOf(keyOf(77)))))
        assert.equal(await denyDialMultiaddr?.(address), true);
    }
    const { peerStore } = persona.libp2p;
    for (const write of ['merge', 'patch', 'save'] as const) {
      await peerStore[write](peer, { multiaddrs });
      assert.deepEqual(await kept(peer), [], write);
      const addresses = multiaddrs.map((address) => ({ multiaddr: address, isCertified: true }));
      await peerStore[write](peer, { addresses: [...addresses, { multiaddr: own, isCertified: false }] });
      assert.deepEqual(await kept(peer), [String(own)], write);
      await peerStore.delete(peer);
    }
    // the right address of somebody else is one to dial, though not as this peer's
    const others = String(dialAddress(onionOf(keyOf(77))));
    for (const address of multiaddrs.slice(0, 30).filter((each) => String(each) !== others)) {
      await assert.rejects(persona.libp2p.dial(address), String(address));
      await assert.rejects(persona.libp2p.dial([address]));
      assert.equal(await persona.libp2p.isDialable(address), false);
    }
    assert.deepEqual(net.dials, []);
    assert.deepEqual(leaks, []);
  });

  it('of a peer whose id is no Ed25519 key are not kept, and it is not dialed', async () => {
    const peer = peerIdFromPrivateKey(await generateKeyPair('secp256k1'));
    await persona.libp2p.peerStore.merge(peer, { multiaddrs: hostile(onionOf(keyOf(2))) });
    assert.deepEqual(await kept(peer), []);
    await assert.rejects(persona.libp2p.dial(peer));
    const address = multiaddr(`/onion3/${onionOf(keyOf(2)).host}:1000/p2p/${peer.toString()}`);
    await assert.rejects(persona.libp2p.dial(address));
    assert.deepEqual(net.dials, []);
  });

  it('announced by a libp2p node, in identify, its signed record and a push, change nothing', async () => {
    const onion = onionOf(keyOf(3));
    const mallory = await net.plain(3, {
      addresses: { announce: hostile(onion).slice(0, 24).map(String), announceFilter: (all) => all },
      services: {
        identify: identify({ protocolPrefix: 'kith' }),
        push: identifyPush({ protocolPrefix: 'kith' }),
      },
      nodeInfo: { name: 'evil', version: '6.6.6', userAgent: 'evil-agent' },
    });
    const peer = mallory.peerId;
    const identified: IdentifyResult[] = [];
    persona.libp2p.addEventListener('peer:identify', (event) => identified.push(event.detail));
    const identifiedBy: IdentifyResult[] = [];
    mallory.addEventListener('peer:identify', (event) => identifiedBy.push(event.detail));
    const connection = await mallory.dial(multiaddr(`/onion3/${persona.onion.host}:1000`));
    await until(() => identified.length > 0 && identifiedBy.length > 0);
    assert.deepEqual(await kept(peer), [`/onion3/${onion.host}:1000`]);
    const found = await persona.libp2p.peerStore.get(peer);
    assert.equal(found.peerRecordEnvelope, undefined);
    assert.equal(found.metadata.size, 0);
    assert.deepEqual(identified[0]?.listenAddrs, []);
    assert.equal(identified[0]?.agentVersion, undefined);
    assert.ok(identified[0]?.protocols.includes(IDENTIFY));
    // a push finds nobody who takes it
    await assert.rejects(connection.newStream('/kith/id/push/1.0.0'));
    const other = hostile(onion).find((address) => String(address).startsWith('/onion3')) as Multiaddr;
    assert.equal(stored('evil', utf8('evil.example'), other.bytes), false);
    assert.deepEqual(
      net.dials.map(({ host }) => host),
      [persona.onion.host],
    );
    assert.deepEqual(leaks, []);
  });

  it('in identify messages made by hand: hundreds, observed ones, broken ones, and a flood of protocols', async () => {
    const onion = onionOf(keyOf(4));
    const mallory = await net.plain(4);
    const binary = hostile(onion).map(({ bytes }) => bytes);
    const key = [FIELDS.publicKey, publicKeyToProtobuf(mallory.peerId.publicKey ?? assert.fail())] as const;
    const observed = [
      [FIELDS.observedAddr, multiaddr('/ip4/198.51.100.7/udp/4001/quic-v1').bytes],
      [FIELDS.observedAddr, multiaddr('/dns4/evil.example/tcp/80').bytes],
      [FIELDS.observedAddr, Uint8Array.of(255, 255, 255)],
    ] as const;
    const protocols = Array.from(
      { length: 2 * PEER_PROTOCOLS },
      (_, i) => [FIELDS.protocols, utf8(`/p/${i}`)] as const,
    );
    const long = [FIELDS.protocols, utf8(`/${'x'.repeat(1_000)}`)] as const;
    for (const [at, messages] of [
      [encodeMessage(key, ...binary.map((bytes) => [FIELDS.listenAddrs, bytes] as const))],
      [encodeMessage(key, observed[0]), encodeMessage(observed[1]), encodeMessage(long, ...protocols)],
      [encodeMessage(key, observed[2], [FIELDS.listenAddrs, Uint8Array.of(1, 2, 3)])],
      [encodeMessage(key, [FIELDS.signedPeerRecord, utf8('nonsense')])],
      [Uint8Array.of(255, 255)],
    ].entries()) {
      let asked = 0;
      const answer = answerIdentify(...messages);
      await mallory.handle(IDENTIFY, async (stream) => {
        await answer(stream).catch(() => {});
        asked++;
      });
      const connection = await mallory.dial(multiaddr(`/onion3/${persona.onion.host}:1000`));
      await until(() => asked === 1);
      if (at === 1)
        await until(async () => (await persona.libp2p.peerStore.get(mallory.peerId)).protocols.length > 1);
      await connection.close();
      await until(() => persona.libp2p.getConnections().length === 0);
      await mallory.unhandle(IDENTIFY);
      const found = await persona.libp2p.peerStore.get(mallory.peerId);
      assert.deepEqual(
        found.addresses.map((address) => String(address.multiaddr)),
        [`/onion3/${onion.host}:1000`],
      );
      assert.ok(found.protocols.length <= PEER_PROTOCOLS);
      assert.ok(found.protocols.every(({ length }) => length < 1_000));
    }
    assert.deepEqual(persona.libp2p.getMultiaddrs().map(String), [
      `/onion3/${persona.onion.host}:1000/p2p/${persona.peerId.toString()}`,
    ]);
    assert.equal(stored('evil.example', 'nonsense'), false);
    assert.ok(net.dials.every(({ host }) => host === persona.onion.host));
    assert.deepEqual(leaks, []);
  });
});
