/** Free keys against the places of a persona: real connections, a few places, and a clock that the test moves. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { identify } from '@libp2p/identify';
import type { Connection } from '@libp2p/interface';
import { ping } from '@libp2p/ping';
import type { Libp2p } from 'libp2p';
import { IDLE_LOOK_MS, IDLE_MS, NEWCOMER_MS } from '../../../src/net/persona/limits.ts';
import { dialAddress, onionOfPeer } from '../../../src/net/persona/own-address.ts';
import type { Persona } from '../../../src/net/persona/persona.ts';
import { seededRandom } from '../../dht/seeded-random.ts';
import { ManualClock } from '../../manual-clock.ts';
import { PersonaNetwork, until } from './personas.ts';

const WORK = '/test/work/1';
const PING = '/kith/ping/1.0.0';
/** Of these one stays free. */
const PLACES = 5;

let net: PersonaNetwork;
let clock: ManualClock;
let persona: Persona;
let nodes: number;

beforeEach(async () => {
  net = await PersonaNetwork.create();
  clock = new ManualClock();
  nodes = 10;
  const work = (components: { registrar: { handle(name: string, handler: () => void): Promise<void> } }) => ({
    start: () => components.registrar.handle(WORK, () => {}),
    stop: () => {},
  });
  const init = { maxConnections: PLACES, clock, random: seededRandom(1), services: { work } };
  ({ persona } = await net.persona(1, init));
});

afterEach(() => net.remove());

async function other(): Promise<Libp2p> {
  const protocolPrefix = 'kith';
  const services = { identify: identify({ protocolPrefix }), ping: ping({ protocolPrefix }) };
  return net.plain(nodes++, { services });
}

/** A connection of somebody else to the persona, with a stream that stays open. */
async function inbound(protocol: string): Promise<Connection> {
  const node = await other();
  const connection = await node.dial(dialAddress(persona.onion));
  await until(() => persona.libp2p.getConnections(node.peerId).length === 1);
  const here = persona.libp2p.getConnections(node.peerId)[0] as Connection;
  const stream = await connection.newStream(protocol);
  stream.send(new Uint8Array(1));
  await until(() => here.streams.some((each) => each.protocol === protocol));
  return connection;
}

async function several(count: number, protocol: string): Promise<Connection[]> {
  const connections: Connection[] = [];
  for (let i = 0; i < count; i++) connections.push(await inbound(protocol));
  return connections;
}

const open = (connections: readonly Connection[]): number =>
  connections.filter(({ status }) => status === 'open').length;

describe('room', { timeout: 20_000 }, () => {
  it('gives the places of those who only ping to newcomers, who keep them', async () => {
    const hostile = await several(PLACES - 1, PING);
    const honest: Connection[] = [];
    while (honest.length < PLACES - 1) {
      await clock.advance(NEWCOMER_MS);
      honest.push(await inbound(WORK));
      await until(() => open(hostile) === PLACES - 1 - honest.length);
    }
    assert.equal(open(honest), PLACES - 1);
    assert.equal(persona.libp2p.getConnections().length, PLACES - 1);
  });

  it('lets newcomers in where all are in use, in the place of any', async () => {
    const before = await several(PLACES - 1, WORK);
    const cut: number[] = [];
    for (let i = 0; i < 6; i++) {
      await clock.advance(NEWCOMER_MS);
      const newcomer = await inbound(WORK);
      await until(() => open(before) === PLACES - 2);
      cut.push(before.findIndex(({ status }) => status !== 'open'));
      before.splice(cut.at(-1) as number, 1, newcomer);
    }
    assert.ok(new Set(cut).size > 1, 'neither the first nor the last');
  });

  it('cuts what this persona dialed last, and only what is idle', async () => {
    const peers = await Promise.all(Array.from({ length: PLACES - 2 }, other));
    const dialed: Connection[] = [];
    for (const { peerId } of peers) {
      const onion = onionOfPeer(peerId);
      assert.ok(onion);
      dialed.push(await persona.connect(onion));
    }
    const hostile = [await inbound(WORK)];
    for (let i = 0; i < 3; i++) {
      await clock.advance(NEWCOMER_MS);
      hostile.push(await inbound(WORK));
      await until(() => open(hostile) === 1);
    }
    assert.equal(open(dialed), PLACES - 2);
  });

  it('spares newcomers, but not a flood of them', async () => {
    const settled = await several(PLACES - 1, WORK);
    await clock.advance(NEWCOMER_MS);
    await inbound(PING);
    await until(() => open(settled) === PLACES - 2);
    for (let i = 0; i < 5; i++) {
      const flooder = await other();
      const connection = await flooder.dial(dialAddress(persona.onion)).catch(() => null);
      await until(() => persona.libp2p.getConnections().length === PLACES - 1);
      if (connection?.status === 'open') await connection.newStream(PING).catch(() => null);
    }
    assert.equal(open(settled), PLACES - 2);
  });

  it('cuts who asks for nothing for minutes, whatever pings', async () => {
    const [idle] = await several(1, PING);
    const [busy] = await several(1, WORK);
    const onion = onionOfPeer((await other()).peerId);
    assert.ok(onion);
    const dialed = await persona.connect(onion);
    await clock.advance(IDLE_MS);
    assert.equal(open([idle as Connection, busy as Connection, dialed]), 3);
    await clock.advance(IDLE_LOOK_MS);
    await until(() => idle?.status !== 'open');
    assert.equal(open([busy as Connection, dialed]), 2);
  });

  it('stops with its persona', async () => {
    assert.ok(clock.sleeping > 0);
    await persona.stop();
    assert.equal(clock.sleeping, 0);
  });
});
