/**
 * The overlay under everything at once: slow circuits, dials that fail, nodes that die without a word and others that
 * take their place, and a share of nodes that lie. What is asked of it: whether slots that were put are found, how
 * long it took, and whether gossip reaches everybody who lives.
 */

import type { PeerId } from '@libp2p/interface';
import { DISJOINT_PATHS } from '../../src/dht/limits.ts';
import { Announcements, ANNOUNCEMENT_TOPIC } from '../../src/gossip/announcements.ts';
import { type Gossip, gossip } from '../../src/gossip/gossip.ts';
import { equal } from '../../src/safety/bytes.ts';
import { systemClock as clock } from '../../src/safety/clock.ts';
import { systemRandom as random } from '../../src/safety/random.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { decodeAnnouncement } from '../../src/wire/announcement.ts';
import type { Lie } from '../dht/liars.ts';
import { DhtNetwork, type DhtNode, type Writer } from '../dht/network.ts';
import { freshAnnouncement } from '../gossip/nodes.ts';

export interface ScenarioInit {
  readonly nodes: number;
  /** Slots that are put and read in each wave; every eighth is replaced by a newer version in between. */
  readonly slots: number;
  readonly waves: number;
  readonly roundTripMs: number;
  /** Share of nodes that lie, of all kinds. */
  readonly liars: number;
  /** Whether a new node comes for each that dies. */
  readonly newcomers: boolean;
  readonly seed?: number;
}

export interface Scenario {
  readonly puts: number[];
  readonly gets: number[];
  readonly operations: number;
  /** Slots that were read in their newest version and in time. */
  readonly found: number;
  /** What became of the others. */
  readonly lost: readonly string[];
  /** Live nodes that each gossiped message should have reached, and that it did reach. */
  readonly subscribers: number;
  readonly reached: number;
}

/** One of these dies in the first wave, and one lies if anybody does. */
const PUBLIC = DISJOINT_PATHS + 1;
const LOSS = 0.2;
const KINDS: readonly Lie[] = ['silence', 'garbage', 'flood', 'stale'];
/** Operations at once: all of these personas share two cores with their network. */
const AT_ONCE = 12;
const FOUND_WITHIN_MS = 30_000;
const GOSSIP_WITHIN_MS = 30_000;

interface Member {
  readonly node: DhtNode;
  readonly lie: Lie | undefined;
  readonly isPublic: boolean;
}

export async function scenario(init: ScenarioInit): Promise<Scenario> {
  const run = new Run(init);
  try {
    return await run.run();
  } finally {
    await run.end();
  }
}

class Run {
  readonly #init: ScenarioInit;
  readonly #chance: () => number;
  readonly #gossips = new Map<string, { gossip: Gossip; announcements: Announcements }>();
  #network: DhtNetwork | undefined;
  #members: Member[] = [];
  readonly #arriving: Promise<void>[] = [];
  readonly #done = {
    puts: [] as number[],
    gets: [] as number[],
    operations: 0,
    found: 0,
    lost: [] as string[],
    subscribers: 0,
    reached: 0,
  };

  constructor(init: ScenarioInit) {
    this.#init = init;
    this.#chance = seededChance(init.seed ?? 1);
  }

  async run(): Promise<Scenario> {
    const { liars, nodes, roundTripMs, seed = 1, waves } = this.#init;
    const lying = Math.round(nodes * liars);
    const lieOf = (i: number): Lie | undefined =>
      i >= PUBLIC - 1 && i < PUBLIC - 1 + lying ? KINDS[i % KINDS.length] : undefined;
    const network = await DhtNetwork.create({
      n: nodes,
      publics: PUBLIC,
      liar: lieOf,
      seed,
      delayMs: roundTripMs / 2,
      loss: LOSS,
      services: { gossip: (components) => this.#gossip(components) },
    });
    this.#network = network;
    this.#members = network.nodes.map((node, i) => ({ node, lie: lieOf(i), isPublic: i < PUBLIC }));
    for (let wave = 0; wave < waves; wave++) await this.#wave(network, wave);
    return this.#done;
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#arriving);
    for (const { announcements } of this.#gossips.values()) announcements.leave();
    await this.#network?.remove();
  }

  async #wave(network: DhtNetwork, wave: number): Promise<void> {
    const writers = Array.from({ length: this.#init.slots }, () => network.writer());
    const newest = new Map<Writer, number>();
    await atOnce(writers, async (writer, i) => {
      const versions = i % 8 === 7 ? [1, 2] : [1];
      for (const seq of versions) await this.#put(network, writer, seq);
      newest.set(writer, versions.length);
    });
    await this.#churn(network, wave);
    await Promise.all([
      atOnce(writers, (writer) => this.#get(network, writer, newest.get(writer) ?? 0)),
      this.#spread(),
    ]);
  }

  async #put(network: DhtNetwork, writer: Writer, seq: number): Promise<void> {
    const startMs = clock.monotonic();
    const { signal } = new AbortController();
    // a put that fails shows as a slot that is not found
    await network
      .scouts()
      .put([writer.slot(seq, { fill: seq })], { signal })
      .catch((error: Error) => this.#done.lost.push(`put: ${error.name} ${error.message}`));
    this.#done.puts.push(clock.monotonic() - startMs);
  }

  async #get(network: DhtNetwork, writer: Writer, newest: number): Promise<void> {
    const startMs = clock.monotonic();
    const { signal } = new AbortController();
    const [read] = await network
      .scouts()
      .get([writer.pk], { signal })
      .catch((error: Error) => {
        this.#done.lost.push(`get: ${error.name} ${error.message}`);
        return [undefined];
      });
    const tookMs = clock.monotonic() - startMs;
    this.#done.operations++;
    this.#done.gets.push(tookMs);
    if (read?.slot?.seq === newest && tookMs <= FOUND_WITHIN_MS) this.#done.found++;
    else if (read !== undefined) {
      const what = read.slot === null ? 'nothing' : `seq ${read.slot.seq} of ${newest}`;
      this.#done.lost.push(`get: ${what} of ${read.answers} answers in ${Math.round(tookMs)} ms`);
    }
  }

  /** A third dies; who comes instead is not waited for. */
  async #churn(network: DhtNetwork, wave: number): Promise<void> {
    const dying = this.#members.filter(({ isPublic }) => !isPublic).sort(() => this.#chance() - 0.5);
    const dead = dying.slice(0, Math.round(this.#init.nodes / 3) - (wave === 0 ? 1 : 0));
    if (wave === 0) dead.push(this.#members[0] as Member);
    this.#members = this.#members.filter((member) => !dead.includes(member));
    await network.kill(dead.map(({ node }) => node));
    if (!this.#init.newcomers) return;
    for (const { lie } of dead) {
      const arrive = async (): Promise<void> => {
        const node = await network.node({ lie });
        this.#members.push({ node, lie, isPublic: false });
      };
      this.#arriving.push(arrive());
    }
  }

  /** One who lives says something to all; those who come later are not counted. */
  async #spread(): Promise<void> {
    const living = this.#members.map(({ node }) => this.#gossips.get(node.persona.peerId.toString()));
    const said = freshAnnouncement();
    const { publicKey } = decodeAnnouncement(said);
    await living[0]?.gossip.publish(ANNOUNCEMENT_TOPIC, said);
    const deaf = (): number =>
      living.slice(1).filter((one) => {
        const known = one?.announcements.known() ?? [];
        return !known.some(({ onion }) => equal(onion.publicKey, publicKey));
      }).length;
    for (const untilMs = clock.monotonic() + GOSSIP_WITHIN_MS; clock.monotonic() < untilMs; ) {
      if (deaf() === 0) break;
      await clock.sleep(100);
    }
    this.#done.subscribers += living.length - 1;
    this.#done.reached += living.length - 1 - deaf();
  }

  #gossip(components: Parameters<ReturnType<typeof gossip>>[0] & { readonly peerId: PeerId }): Gossip {
    const announcements = new Announcements({ clock, random });
    const service = gossip({ topics: [announcements.topic], clock, onOffender: () => {} })(components);
    announcements.join(service);
    this.#gossips.set(components.peerId.toString(), { gossip: service, announcements });
    return service;
  }
}

/** Some of them at once, in order. */
async function atOnce<T>(all: readonly T[], work: (one: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < all.length; i = next++) await work(all[i] as T, i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
