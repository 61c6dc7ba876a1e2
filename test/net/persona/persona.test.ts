import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { peerRoutingSymbol } from '@libp2p/interface';
import type { Ping } from '@libp2p/ping';
import { multiaddr } from '@multiformats/multiaddr';
import { PersonaError } from '../../../src/net/persona/errors.ts';
import { Gater } from '../../../src/net/persona/gater.ts';
import { REFUSED_PEERS } from '../../../src/net/persona/limits.ts';
import { createPersona } from '../../../src/net/persona/persona.ts';
import { tor } from '../../../src/transport-tor/index.ts';
import { onionOf } from '../../../src/wire/onion.ts';
import { peerIdOfKey } from '../../../src/transport-tor/keys.ts';
import { ed25519PeerId } from '../../../src/wire/peer-id.ts';
import { PersonaNetwork, seedOf, until } from './personas.ts';

let net: PersonaNetwork;

beforeEach(async () => {
  net = await PersonaNetwork.create();
});

afterEach(() => net.remove());

describe('Persona', { timeout: 20_000 }, () => {
  it('is one key: seed, onion and PeerId, and connects to exactly the address of an onion', async () => {
    const [{ persona: alice }, { persona: bob }] = await Promise.all([net.persona(1), net.persona(2)]);
    assert.equal(bob.peerId.toString(), ed25519PeerId(bob.onion.publicKey));
    const otherPort = onionOf(bob.onion.publicKey, 4001);
    const connection = await alice.connect(otherPort);
    assert.equal(
      connection.remoteAddr.toString(),
      `/onion3/${bob.onion.host}:1000/p2p/${bob.peerId.toString()}`,
    );
    assert.deepEqual(
      net.dials.map(({ host, port }) => [host, port]),
      [[bob.onion.host, 1000]],
    );
    assert.equal((await alice.connect(bob.onion)).id, connection.id);
    const { ping } = alice.libp2p.services as unknown as { ping: Ping };
    assert.ok((await ping.ping(bob.peerId)) >= 0);
  });

  it('dials a bare PeerId without asking anybody where it is, and with an empty peer store', async () => {
    const [{ persona: alice }, { persona: bob }] = await Promise.all([net.persona(1), net.persona(2)]);
    const connection = await alice.libp2p.dial(bob.peerId);
    assert.equal(connection.remotePeer.toString(), bob.peerId.toString());
    assert.equal(net.dials.length, 1);
  });

  it('refuses a peer: cuts what is open, forgets it, and neither dials nor accepts it', async () => {
    const [{ persona: alice }, { persona: bob }] = await Promise.all([net.persona(1), net.persona(2)]);
    await alice.connect(bob.onion);
    await until(() => alice.libp2p.peerStore.has(bob.peerId));
    alice.refuse(bob.peerId);
    assert.equal(alice.libp2p.getConnections().filter(({ status }) => status === 'open').length, 0);
    await until(() => bob.libp2p.getConnections().length === 0);
    await until(async () => !(await alice.libp2p.peerStore.has(bob.peerId)));
    const dials = net.dials.length;
    await assert.rejects(alice.connect(bob.onion), (e) => e instanceof PersonaError && e.code === 'REFUSED');
    await assert.rejects(alice.libp2p.dial(bob.peerId));
    const address = multiaddr(`/onion3/${bob.onion.host}:1000/p2p/${bob.peerId.toString()}`);
    await assert.rejects(alice.libp2p.dial(address));
    assert.equal(net.dials.length, dials);

    // the other way the handshake goes through, and then the connection is gone
    let opened = 0;
    alice.libp2p.addEventListener('connection:open', () => opened++);
    await bob.connect(alice.onion).catch(() => {});
    await until(() => bob.libp2p.getConnections().length === 0);
    assert.equal(opened, 0);
  });

  it('remembers as many offenders as it may, the newest', () => {
    const gater = new Gater();
    const keyOf = (n: number): Uint8Array => {
      const key = new Uint8Array(32);
      new DataView(key.buffer).setUint32(0, n);
      return key;
    };
    for (let n = 0; n < REFUSED_PEERS + 10; n++) gater.refuse(peerIdOfKey(keyOf(n)));
    assert.equal(gater.refuses(keyOf(9)), false);
    assert.equal(gater.refuses(keyOf(10)), true);
  });

  it('says nothing to one it avoids, but dials it like anybody', async () => {
    const [{ persona: alice }, { persona: bob }] = await Promise.all([net.persona(1), net.persona(2)]);
    let opened = 0;
    for (const one of [alice, bob]) one.libp2p.addEventListener('connection:open', () => opened++);
    alice.avoid(bob.peerId);
    const before = net.dials.length;
    await assert.rejects(alice.connect(bob.onion));
    assert.equal(net.dials.length, before + 1, 'a refusal at once would show whose it is');
    await assert.rejects(
      bob.connect(alice.onion).then((connection) => connection.newStream(['/kith/ping/1.0.0'])),
    );
    assert.equal(alice.libp2p.getConnections().length, 0);
    assert.equal(await alice.libp2p.peerStore.has(bob.peerId), false);
  });

  it('as a client publishes no onion', async () => {
    const [{ persona: client }, { persona: bob }] = await Promise.all([
      net.persona(1, { listen: false }),
      net.persona(2),
    ]);
    assert.notEqual(net.network.services.refusal(client.onion.host, undefined), 0);
    assert.deepEqual(client.libp2p.getMultiaddrs(), []);
    await client.connect(bob.onion);
    await assert.rejects(bob.connect(onionOf(client.onion.publicKey)).then((c) => c.newStream('/kith/no/1')));
  });

  it('takes no service that would look up peers', async () => {
    const routes = () => ({ [peerRoutingSymbol]: { findPeer: async () => assert.fail('asked') } });
    await assert.rejects(
      net.persona(1, { services: { routes } }),
      (error) => error instanceof PersonaError && error.code === 'SERVICE_ROUTES',
    );
  });

  it('ends a start that is aborted, with the reason, and can be stopped meanwhile', async () => {
    let publishing = Promise.withResolvers<void>();
    const host = {
      socksPath: net.tor.socksPath,
      start: () => net.tor.start(),
      stop: () => net.tor.stop(),
      ready: () => net.tor.ready(),
      status: () => net.tor.status(),
      services: {
        publish: (_seed: Uint8Array, { signal }: { signal?: AbortSignal }) => {
          publishing.resolve();
          return new Promise<never>((_, reject) =>
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
          );
        },
      },
    };
    const make = () =>
      createPersona({
        seed: seedOf(1),
        listen: true,
        transport: tor({ tor: host }),
        datastore: net.datastore(),
      });
    const reason = new Error('enough');
    const aborting = new AbortController();
    const persona = await make();
    const starting = persona.start(aborting.signal);
    await publishing.promise;
    aborting.abort(reason);
    await assert.rejects(starting, reason);
    assert.equal(persona.libp2p.status, 'stopped');

    const other = await make();
    publishing = Promise.withResolvers();
    const alsoStarting = other.start();
    await publishing.promise;
    await Promise.all([assert.rejects(alsoStarting), other.stop()]);
    assert.equal(other.libp2p.status, 'stopped');
  });
});
