import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { identify } from '@libp2p/identify';
import { ping } from '@libp2p/ping';
import { multiaddr } from '@multiformats/multiaddr';
import {
  isOnionMultiaddr,
  onionMultiaddr,
  PersonaError,
  torAddresses,
  torConnectionDefaults,
} from '../../../src/transport-tor/index.ts';
import { watchLeaks } from './leaks.ts';
import { TestNetwork } from '../../transport-tor/nodes.ts';

let network: TestNetwork | undefined;

afterEach(() => network?.remove());

const { leaks, restore } = watchLeaks();

after(restore);

describe('torConnectionDefaults', () => {
  it('lets no address of a peer cause a lookup or a dial, wherever it comes from', async () => {
    network = await TestNetwork.create();
    const services = { ping: ping(), identify: identify() };
    const [alice, bob] = await Promise.all([network.node({}, { services }), network.node({}, { services })]);
    const hostile = [
      '/dnsaddr/evil.example',
      '/dns4/evil.example/tcp/443/wss',
      '/ip4/192.0.2.1/tcp/4001',
      '/ip6/2001:db8::1/udp/4001/quic-v1',
      `/dnsaddr/evil.example/p2p/${bob.libp2p.peerId.toString()}`,
    ];
    const multiaddrs = hostile.map((text) => multiaddr(text));
    await alice.libp2p.peerStore.merge(bob.libp2p.peerId, { multiaddrs });
    assert.deepEqual((await alice.libp2p.peerStore.get(bob.libp2p.peerId)).addresses, []);
    await assert.rejects(alice.libp2p.dial(bob.libp2p.peerId));
    for (const address of multiaddrs) await assert.rejects(alice.libp2p.dial(address));
    assert.deepEqual(leaks, []);

    // and the onion among them is still dialed
    await alice.libp2p.peerStore.merge(bob.libp2p.peerId, {
      multiaddrs: [...multiaddrs, ...bob.libp2p.getMultiaddrs()],
    });
    await alice.libp2p.dial(bob.libp2p.peerId);
    assert.deepEqual(leaks, []);
  });

  it('says nothing about the host to whoever asks', async () => {
    network = await TestNetwork.create();
    const services = { identify: identify({ runOnConnectionOpen: true }) };
    const [alice, bob] = await Promise.all([network.node({}, { services }), network.node({}, { services })]);
    const identified = new Promise<{ agentVersion?: string; listenAddrs: unknown[]; observedAddr?: unknown }>(
      (resolve) => {
        alice.libp2p.addEventListener('peer:identify', (event) => resolve(event.detail));
      },
    );
    await alice.libp2p.dial(bob.libp2p.getMultiaddrs());
    const { agentVersion, listenAddrs, observedAddr } = await identified;
    assert.equal(agentVersion, 'kith');
    assert.deepEqual(listenAddrs.map(String), [onionMultiaddr(bob.privateKey).toString()]);
    assert.equal(observedAddr, undefined);
  });

  it('stops whatever asks for a name', async () => {
    await assert.rejects(
      torConnectionDefaults.dns.query(),
      (error) => error instanceof PersonaError && error.code === 'NO_DNS',
    );
  });
});

describe('torAddresses', () => {
  it('announces one onion and nothing else', () => {
    const onion = onionMultiaddr(new Uint8Array(32).fill(1));
    const { listen, announce, announceFilter } = torAddresses(onion);
    assert.deepEqual([listen, announce], [[onion.toString()], [onion.toString()]]);
    assert.deepEqual(announceFilter([onion, multiaddr('/ip4/10.0.0.1/tcp/1')]), [onion]);
    assert.equal(isOnionMultiaddr(onion), true);
    assert.equal(isOnionMultiaddr(multiaddr('/ip4/10.0.0.1/tcp/1')), false);
  });
});
