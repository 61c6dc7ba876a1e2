/**
 * How long an announcement takes from one node to the next: along a chain of neighbours, each of which judges it
 * before it forwards it, beside one message over an open raw channel.
 */

import { EventEmitter, once } from 'node:events';
import { Announcements } from '../../src/gossip/announcements.ts';
import { gossip } from '../../src/gossip/gossip.ts';
import { HEARTBEAT_MS } from '../../src/gossip/limits.ts';
import { Channels, type SecureChannel } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { createPersona, type Persona } from '../../src/net/persona/persona.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { compared, type Pair, type Row } from '../row.ts';
import { FakePlace, PROTOCOL } from './fake.ts';

const HOPS = 3;
const PAIRS = 15;
/** Links have been opened, and all are in each other's mesh, ms. */
const SETTLED_MS = 3 * HEARTBEAT_MS;

interface Neighbour {
  readonly persona: Persona;
  readonly announcements: Announcements;
}

export async function gossipHop(dir: string): Promise<Row> {
  const place = await FakePlace.create(dir, 'gossip');
  const chain: Neighbour[] = [];
  const raw = await RawLine.create(place);
  try {
    for (let i = 0; i <= HOPS; i++) {
      const neighbour = await join(place);
      await chain.at(-1)?.persona.connect(neighbour.persona.onion);
      chain.push(neighbour);
    }
    place.slow();
    await systemClock.sleep(SETTLED_MS);
    const [first, last] = [chain.at(0) as Neighbour, chain.at(-1) as Neighbour];
    const pairs: Pair[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const baseline = await raw.oneWayMs();
      pairs.push({ baseline, value: (await heardAfterMs(first, last)) / HOPS });
    }
    return compared('overlay', 'gossip-hop', 'ms', pairs, null);
  } finally {
    await Promise.all(chain.map((neighbour) => stop(neighbour)));
    await raw.close();
    await place.network.stop();
  }
}

async function join(place: FakePlace): Promise<Neighbour> {
  const announcements = new Announcements({ clock: systemClock, random: systemRandom });
  const persona = await createPersona({
    seed: systemRandom(32),
    listen: true,
    transport: (await place.personas()).transport('overlay'),
    services: {
      gossip: (components) => {
        const made = gossip({ topics: [announcements.topic], clock: systemClock })(components);
        announcements.join(made);
        return made;
      },
    },
  });
  await persona.start();
  return { persona, announcements };
}

async function stop({ persona, announcements }: Neighbour): Promise<void> {
  announcements.leave();
  await persona.stop();
}

/** From the announcement of a new key at one end of the chain until it is known at the other. */
async function heardAfterMs(from: Neighbour, to: Neighbour): Promise<number> {
  const signer = nodeProvider.ed25519.signer(systemRandom(32));
  const { host } = onionOf(signer.publicKey);
  const { promise: heard, resolve, reject } = Promise.withResolvers<void>();
  const limit = setTimeout(() => reject(new Error('an announcement did not arrive')), 60_000);
  const forget = to.announcements.onKnown(({ onion }) => onion.host === host && resolve());
  const startedAt = performance.now();
  const withdraw = from.announcements.announce(signer);
  try {
    await heard;
    return performance.now() - startedAt;
  } finally {
    clearTimeout(limit);
    forget();
    withdraw();
  }
}

/** An open raw channel whose other end tells when a message came. */
class RawLine {
  readonly #endpoint: { stop(): Promise<void> };
  readonly #channel: SecureChannel;
  readonly #arrivals: EventEmitter;

  private constructor(endpoint: { stop(): Promise<void> }, channel: SecureChannel, arrivals: EventEmitter) {
    this.#endpoint = endpoint;
    this.#channel = channel;
    this.#arrivals = arrivals;
  }

  static async create(place: FakePlace): Promise<RawLine> {
    const arrivals = new EventEmitter();
    const endpoint = await place.endpoint(systemRandom(32), async (channel) => {
      while ((await channel.read().catch(() => null)) !== null) arrivals.emit('message');
    });
    return new RawLine(endpoint, await dialRaw(place, endpoint.onion), arrivals);
  }

  async oneWayMs(): Promise<number> {
    const arrived = once(this.#arrivals, 'message');
    const startedAt = performance.now();
    await this.#channel.write(Uint8Array.of(1));
    await arrived;
    return performance.now() - startedAt;
  }

  async close(): Promise<void> {
    this.#channel.abort(new Error('measured'));
    await this.#endpoint.stop();
  }
}

async function dialRaw(place: FakePlace, onion: OnionAddress): Promise<SecureChannel> {
  const { open } = (await place.personas()).dialer();
  return new Channels({ open }).dial(onion, {
    as: linkIdentity(systemRandom(32)),
    protocol: PROTOCOL,
    purpose: 'bench',
    isolation: 'raw',
  });
}
