/**
 * Two parties, the network between them and the oracle above them: what one sends is told to the oracle, cut into
 * boxes, and lost or delivered; processes die at every place where a step is half done.
 */

import { allSessions, repliesOwed } from '../src/kem/contact.ts';
import { KemError } from '../src/kem/errors.ts';
import { OPENING_CONTENT_BYTES } from '../src/kem/kx1.ts';
import type { EpochKeys } from '../src/kem/ratchet-keys.ts';
import type { Session } from '../src/kem/session.ts';
import { toHex } from '../src/safety/bytes.ts';
import { CryptoError, type Provider } from '../src/safety/crypto/provider.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { systemRandom } from '../src/safety/random.ts';
import { type Box, cutParcel, decodeBox, joinParcel, TAG_BYTES } from '../src/wire/parcel.ts';
import { checkContent, makeContent } from './contents.ts';
import { LossyNetwork } from './lossy-network.ts';
import { NonceBook } from './nonce-book.ts';
import { Oracle, OracleError, type Origin } from './oracle.ts';
import { Party } from './party.ts';

export const WEATHER = { loss: 0.3, duplicates: 0.1, maxDelay: 1_000 };
/** Chance that a process dies at one of the places where it may. */
const DEATH = 0.01;
/** Chance that a reply that is owed goes out at once. */
const REPLY = 0.5;
/** Few enough that no mail outlives its 14 days, and many enough that clocks matter. */
const MS_PER_MESSAGE = 2_000;
const START = 1_800_000_000_000;

interface Packet {
  readonly origin: Origin;
  readonly boxes: readonly Box[];
}

export class Correspondence {
  readonly oracle = new Oracle();
  readonly book: NonceBook;
  readonly parties: readonly [Party, Party];
  /** Messages made, lost and arrived; deaths; epochs that a side has entered. */
  readonly counts = { made: 0, lost: 0, arrivals: 0, restarts: 0, epochs: 0 };
  readonly #chance: () => number;
  readonly #network: LossyNetwork<Packet>;
  /** Names of stream keys by session and epoch. */
  readonly #streams = new Map<string, string>();
  readonly #forked = new Set<string>();
  /** How often each side has lost its sessions, and had when a session was opened. */
  readonly #resets: [number, number] = [0, 0];
  readonly #openedAt = new Map<string, readonly [number, number]>();
  /** Sessions that the responder came to hold. */
  readonly #accepted = new Set<string>();
  readonly #isStale: [boolean, boolean] = [false, false];
  #isCalm = false;
  #nextId = 1;
  #now = START;

  constructor(provider: Provider, chance: () => number) {
    this.#chance = chance;
    this.#network = new LossyNetwork(WEATHER, chance);
    this.book = new NonceBook(provider);
    const p = { provider: this.book.provider, random: systemRandom };
    // who is the lower of the two decides between sessions, so identities depend on the seed
    const seeded = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(chance() * 256));
    this.parties = [new Party(p, seeded, START), new Party(p, seeded, START)];
  }

  /** Sessions that were opened. */
  get sessions(): number {
    return this.#openedAt.size;
  }

  open(who: 0 | 1): void {
    const party = this.parties[who];
    party.open(this.parties[who === 0 ? 1 : 0].bundle, this.#now);
    this.#openedAt.set(toHex(party.live.transcript), [...this.#resets]);
  }

  /** A message with content, and a tick. */
  post(who: 0 | 1): void {
    const isOpening = (this.parties[who].contact.live?.session.opening ?? null) !== null;
    const limit = isOpening ? OPENING_CONTENT_BYTES : undefined;
    this.#send(who, (id) => makeContent(id, limit), null);
    this.#tick();
  }

  /** The disk of a side was replaced, or its sessions are gone. */
  reset(who: 0 | 1): void {
    this.#resets[who]++;
  }

  /** Gives up its sessions and prekeys, and opens a session. */
  startAnew(who: 0 | 1): void {
    this.reset(who);
    this.#isStale[who] = false;
    this.parties[who].startAnew(this.#now);
    this.open(who);
  }

  /** A side goes on from an old disk: of its sessions less can be said from now on. */
  fork(who: 0 | 1): void {
    this.#isStale[who] = true;
    for (const { session } of allSessions(this.parties[who].contact)) this.#fork(toHex(session.transcript));
  }

  /** No more deaths and losses; what is on its way arrives. */
  becomeCalm(): void {
    this.#isCalm = true;
    this.settle();
    this.#network.clearUp();
  }

  /** Until nothing is on its way. */
  settle(): void {
    while (this.#network.onTheWay > 0) this.#tick();
  }

  /** A message under the live session, or the one with this transcript. */
  #send(who: 0 | 1, contentOf: (id: number) => Uint8Array, transcript: Uint8Array | null): void {
    const party = this.parties[who];
    if (this.#dies()) {
      party.make(contentOf(this.#nextId++), transcript, this.#now);
      party.restart(); // nothing of it was on the disk
    }
    const id = this.#nextId++;
    const made = party.make(contentOf(id), transcript, this.#now);
    if (made === null) return;
    const session = party.keepSent(made);
    const origin = originOf(id, who, session);
    this.oracle.sent(origin);
    this.counts.made++;
    this.#entered(session, made.sent.epochKeys);
    if (this.#dies()) party.restart(); // the payload is on the disk, and goes out now
    const boxes = cutParcel({ tag: systemRandom(TAG_BYTES), payload: made.payload }).map(decodeBox);
    if (!this.#network.send({ origin, boxes: boxes.toReversed() })) this.counts.lost++;
  }

  #tick(): void {
    this.#now += MS_PER_MESSAGE;
    for (const packet of this.#network.advance()) this.#arrive(packet);
  }

  #arrive({ origin, boxes }: Packet): void {
    const who = origin.from === 0 ? 1 : 0;
    const party = this.parties[who];
    const { payload } = joinParcel(boxes);
    this.counts.arrivals++;
    try {
      if (this.#dies()) {
        party.take(payload, this.#now);
        party.restart(); // nothing of it was on the disk, and it comes again
      }
      const received = party.take(payload, this.#now);
      const session = party.keepReceived(received, origin.id);
      if (received.accepted !== null) this.#accept(who, origin.transcript);
      this.oracle.read(origin, checkContent(received.content) ?? origin.id);
      this.#entered(session, received.epochKeys);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.oracle.refuse(origin, party.holds(origin.transcript), this.#ending(who, origin.transcript));
      return;
    }
    if (this.#dies()) party.restart();
    if (this.#chance() < REPLY) this.#reply(who);
  }

  /** A session came to be at its responder: once, unless that has forgotten it. */
  #accept(who: 0 | 1, transcript: string): void {
    if (this.#accepted.has(transcript)) {
      if (!this.#isStale[who]) throw new OracleError('an opening was accepted twice');
      this.#fork(transcript);
    }
    this.#accepted.add(transcript);
  }

  #fork(transcript: string): void {
    this.#forked.add(transcript);
    this.oracle.fork(transcript);
  }

  /** Why a side does not hold a session, if it does not; null: there is no reason. */
  #ending(who: 0 | 1, transcript: string): 'reset' | 'pushed-out' | null {
    if (this.#resets[who] > (this.#openedAt.get(transcript)?.[who] ?? 0)) return 'reset';
    return this.#accepted.has(transcript) ? 'pushed-out' : null;
  }

  /** Messages without content, where the peer waits for one. */
  #reply(who: 0 | 1): void {
    for (const { session } of repliesOwed(this.parties[who].contact, this.#now)) {
      this.#send(who, () => new Uint8Array(0), session.transcript);
    }
  }

  /** Both sides give out the same stream keys for an epoch. */
  #entered(session: Session, keys: EpochKeys | null): void {
    if (keys === null) return;
    this.counts.epochs++;
    const transcript = toHex(session.transcript);
    if (this.#forked.has(transcript)) return;
    const ordered = session.role === 'initiator' ? [keys.send, keys.receive] : [keys.receive, keys.send];
    const name = toHex(this.book.provider.sha256(...ordered));
    const place = `${transcript}/${keys.epoch}`;
    const other = this.#streams.get(place);
    if (other !== undefined && other !== name) throw new OracleError('two secrets of one epoch');
    this.#streams.set(place, name);
  }

  #dies(): boolean {
    const dies = !this.#isCalm && this.#chance() < DEATH;
    if (dies) this.counts.restarts++;
    return dies;
  }
}

function originOf(id: number, from: 0 | 1, { transcript, sending, previousLength: pn }: Session): Origin {
  const { ratchetKey, n } = sending as NonNullable<Session['sending']>;
  return { id, from, transcript: toHex(transcript), chain: toHex(ratchetKey), n: n - 1, pn };
}

function isRefusal(error: unknown): boolean {
  return error instanceof KemError || error instanceof CryptoError || error instanceof MalformedError;
}
