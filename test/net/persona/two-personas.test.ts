/** Two personas of one process and one tor: what anybody who meets them could put together. */

import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { identify } from '@libp2p/identify';
import { type Ping, ping } from '@libp2p/ping';
import { concat, toHex, utf8 } from '../../../src/safety/bytes.ts';
import type { ChannelHandler } from '../../../src/net/acceptor.ts';
import { OnionEndpoint } from '../../../src/transport-tor/index.ts';
import { askIdentify, decodeMessage, FIELDS, IDENTIFY } from './identify-message.ts';
import { watchLeaks } from './leaks.ts';
import { finds, traces } from './traces.ts';
import { PersonaNetwork, seedOf, type TestPersona, until } from './personas.ts';

const { leaks, restore } = watchLeaks();
after(restore);

let net: PersonaNetwork;

beforeEach(async () => {
  net = await PersonaNetwork.create();
});

afterEach(() => net.remove());

/** An endpoint that keeps what its peers say, decrypted, by the key they say it with. */
class ListeningEndpoint extends OnionEndpoint {
  readonly heard = new Map<string, Uint8Array[]>();

  override handle(protocol: string, handler: ChannelHandler): void {
    super.handle(protocol, (channel, ...rest) => {
      const heard = this.heard.get(toHex(channel.remoteKey)) ?? [];
      this.heard.set(toHex(channel.remoteKey), heard);
      const read = channel.read.bind(channel);
      Object.defineProperty(channel, 'read', {
        value: async (...args: Parameters<typeof read>) => {
          const bytes = await read(...args);
          if (bytes !== null) heard.push(bytes.slice());
          return bytes;
        },
      });
      return handler(channel, ...rest);
    });
  }
}

function contents({ datastore }: TestPersona): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { key, value } of datastore.query({})) parts.push(utf8(key.toString()), value);
  return concat(...parts);
}

describe('identify of a persona', { timeout: 20_000 }, () => {
  it('says which protocols it speaks, and nothing else', async () => {
    const service = (components: {
      registrar: { handle(name: string, handler: () => void): Promise<void> };
    }) => ({
      start: () => components.registrar.handle('/kith/kad/1.0.0', () => {}),
      stop: () => {},
    });
    const seen: string[][] = [];
    for (const [n, init] of [
      [1, { services: { service } }],
      [2, {}],
      [3, { listen: false }],
    ] as const) {
      const { persona } = await net.persona(n, init);
      // a peer store that remembers an earlier life as a server
      await persona.libp2p.peerStore.merge(persona.peerId, { protocols: ['/kith/kad/1.0.0', '/old/1'] });
      const observer = await net.plain(10 + n, {
        services: { identify: identify({ protocolPrefix: 'kith' }) },
      });
      const connection = await persona.libp2p.dial(observer.peerId);
      assert.equal(connection.direction, 'outbound');
      await until(() => observer.getConnections(persona.peerId).length > 0);
      const [back] = observer.getConnections(persona.peerId);
      await until(() => back?.streams.length === 0);
      const message = decodeMessage(await askIdentify(back ?? assert.fail()));
      assert.deepEqual(message.get(FIELDS.listenAddrs), undefined);
      assert.deepEqual(message.get(FIELDS.signedPeerRecord), undefined);
      assert.deepEqual(message.get(FIELDS.observedAddr), undefined);
      for (const version of [FIELDS.agentVersion, FIELDS.protocolVersion]) {
        assert.equal(Buffer.concat(message.get(version) ?? []).length, 0);
      }
      assert.equal(message.get(FIELDS.publicKey)?.length, 1);
      seen.push((message.get(FIELDS.protocols) ?? []).map((name) => Buffer.from(name).toString()));
    }
    const always = [IDENTIFY, '/kith/ping/1.0.0'];
    assert.deepEqual(seen, [[IDENTIFY, '/kith/kad/1.0.0', '/kith/ping/1.0.0'], always, always]);
  });
});

describe('two personas of one process', { timeout: 20_000 }, () => {
  it('share no key, address, record, peer-store entry or circuit', async () => {
    const pair = [await net.persona(1), await net.persona(2)] as const;
    const listeners: ListeningEndpoint[] = [];
    for (const n of [20, 21]) {
      const own = net.network.tor();
      await own.start();
      const endpoint = new ListeningEndpoint({
        seed: seedOf(n),
        socketDir: dirname(own.socksPath),
        services: own.services,
      });
      listeners.push(endpoint);
      const services = {
        identify: identify({ protocolPrefix: 'kith' }),
        ping: ping({ protocolPrefix: 'kith' }),
      };
      await net.plain(n, { services }, { tor: own, endpoint });
      await endpoint.start();
    }
    // both meet the first listener, which may compare; the second meets one of them
    for (const [at, { persona }] of pair.entries()) {
      for (const { onion } of listeners.slice(at)) {
        const connection = await persona.connect(onion);
        await until(() => persona.libp2p.peerStore.has(connection.remotePeer));
        const { ping } = persona.libp2p.services as unknown as { ping: Ping };
        await ping.ping(connection.remotePeer);
      }
    }
    const [first, second] = pair;
    for (const [self, other, seed] of [
      [first, second, seedOf(2)],
      [second, first, seedOf(1)],
    ] as const) {
      const heard = listeners.flatMap(({ heard }) => heard.get(toHex(self.persona.onion.publicKey)) ?? []);
      const said = concat(...heard);
      assert.ok(finds(said, [IDENTIFY]) === 1 && said.length > 200);
      // its own key is found, so the other's would be
      assert.ok(finds(said, traces(self.persona.onion)) > 0);
      assert.equal(finds(said, [seed, ...traces(other.persona.onion)]), 0);
      assert.equal(finds(contents(self), [seed, ...traces(other.persona.onion)]), 0);
      // nor does anything tell the machine, or the time by its clock in milliseconds
      assert.equal(finds(said, [process.version, 'libp2p/3', String(Date.now()).slice(0, 8)]), 0);
    }
    const circuits = net.dials.map(({ username, password }) => `${username} ${password}`);
    assert.equal(circuits.length, 3);
    assert.equal(new Set(circuits).size, 3);
    for (const { persona } of pair) {
      assert.equal(finds(utf8(circuits.join(' ')), [seedOf(1), ...traces(persona.onion)]), 0);
    }
    assert.deepEqual(leaks, []);
    await Promise.all(listeners.map((endpoint) => endpoint.stop()));
  });

  it('that refuse each other never connect', async () => {
    const [{ persona: home }, { persona: overlay }] = [await net.persona(1), await net.persona(2)];
    home.refuse(overlay.peerId);
    overlay.refuse(home.peerId);
    await assert.rejects(home.connect(overlay.onion), { code: 'REFUSED' });
    await assert.rejects(overlay.libp2p.dial(home.peerId));
    assert.deepEqual(net.dials, []);
  });
});
