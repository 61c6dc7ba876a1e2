/**
 * Real sessions of two sides as a state space: the functions of src/kem with primitives of symbols. Randomness depends
 * on the state that draws it, so whoever comes back from an older state draws the same again: the worst generator.
 * What was sent stays deliverable, once and again. A world is a value; its name says all that can matter later.
 */

import { hash } from 'node:crypto';
import { KemError } from '../../src/kem/errors.ts';
import { CryptoError, type Provider } from '../../src/safety/crypto/provider.ts';
import type { Primitives } from '../../src/kem/primitives.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import type { EpochKeys } from '../../src/kem/ratchet-keys.ts';
import { answerFirstEpoch, openAsInitiator, openAsResponder, type Session } from '../../src/kem/session.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { type SkippedChanges, SkippedKeyMap, type SkippedKeyRow } from '../../src/kem/skipped-keys.ts';
import { equal, utf8 } from '../../src/safety/bytes.ts';
import { NonceBook } from '../../sim/nonce-book.ts';
import { symbolicProvider } from './pq-model-provider.ts';

/** A property that does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export interface Party {
  /** The same for equal parties, and for them alone. */
  readonly id: number;
  /** What is on disk: the session, and rows of skipped keys. */
  readonly kept: Uint8Array;
  readonly session: Session;
  readonly rows: readonly SkippedKeyRow[];
  /** Contents that were delivered. */
  readonly got: ReadonlySet<string>;
  /** Hash of the stream keys of each epoch that was entered. */
  readonly streams: readonly string[];
}

export interface InFlight {
  readonly id: number;
  readonly from: 0 | 1;
  readonly bytes: Uint8Array;
  readonly content: string;
}

export interface SessionWorld {
  readonly parties: readonly [Party, Party];
  readonly sent: readonly InFlight[];
  /** Messages that each side has made, sent or not. */
  readonly made: readonly [number, number];
  /** An older state that may come back. */
  readonly saved: readonly [Party | null, Party | null];
  /** The side that came back from an older state. */
  readonly restored: 0 | 1 | null;
}

const MESSAGE_BYTES = 4_064;
const NOW = 1_800_000_000_000;
const ANSWER_SEED = new Uint8Array(64).fill(9);

const nameOf = (...parts: readonly Uint8Array[]): string => hash('sha256', Buffer.concat(parts), 'base64url');

/** What may be broken on purpose. */
export interface Mistakes {
  readonly provider?: (provider: Provider) => Provider;
  readonly skipped?: (changes: SkippedChanges) => SkippedChanges;
}

/** All primitives of one exploration; the book throws when a key and nonce are used for two plaintexts. */
export class Laboratory {
  readonly #mistakes: Mistakes;
  readonly #primitives: Primitives;
  /** What is drawn next depends on these. */
  #state = new Uint8Array(0);
  #draws = 0;
  readonly #ids = new Map<string, number>();
  /** What a party became by sending, and by receiving: many worlds have it in common. */
  readonly #sent = new Map<string, { readonly party: Party; readonly message: InFlight }>();
  readonly #received = new Map<string, Party | null>();

  constructor(mistakes: Mistakes = {}) {
    this.#mistakes = mistakes;
    const random = (size: number): Uint8Array<ArrayBuffer> => {
      const seed = hash('sha256', Buffer.concat([this.#state, Uint8Array.of(this.#draws++)]), 'buffer');
      return Uint8Array.from({ length: size }, (_, i) => seed[i % 32] as number);
    };
    const provider = symbolicProvider(() => random(32));
    const book = new NonceBook(mistakes.provider?.(provider) ?? provider);
    this.#primitives = { provider: book.provider, random };
  }

  start(): SessionWorld {
    const filled = (value: number): Uint8Array => new Uint8Array(32).fill(value);
    const transcript = filled(1);
    const keys = { rootKey: filled(2), initiatorHeaderKey: filled(3), responderHeaderKey: filled(4) };
    const secret = filled(5);
    const remoteRatchetKey = this.#primitives.provider.x25519.keyPair(secret).publicKey;
    const opening = { header: new Uint8Array(1_739), expiry: 0 };
    const init = { transcript, keys, remoteRatchetKey, answerSeed: ANSWER_SEED, opening };
    const party = (session: Session): Party =>
      this.#party({ session, kept: encodeSession(session), rows: [], got: new Set(), streams: [] });
    const parties = [
      party(openAsInitiator(init)),
      party(openAsResponder({ transcript, keys, ratchetSecret: secret })),
    ] as const;
    return { parties, sent: [], made: [0, 0], saved: [null, null], restored: null };
  }

  /** A side makes a message. */
  send(world: SessionWorld, who: 0 | 1): SessionWorld {
    const before = world.parties[who];
    const made = world.made.with(who, world.made[who] + 1) as [number, number];
    const content = `${who}:${made[who]}`;
    const key = `${before.id} ${content}`;
    const result = this.#sent.get(key) ?? this.#encrypt(before, who, content);
    this.#sent.set(key, result);
    const parties = world.parties.with(who, result.party) as [Party, Party];
    return checked({ ...world, made, parties, sent: [...world.sent, result.message] });
  }

  /** A message arrives. Null: it is refused, and nothing changes. */
  deliver(world: SessionWorld, message: InFlight): SessionWorld | null {
    const who = message.from === 0 ? 1 : 0;
    const before = world.parties[who];
    const key = `${before.id} ${message.id}`;
    let after = this.#received.get(key);
    if (after === undefined) this.#received.set(key, (after = this.#decrypt(before, message)));
    if (after === null) return null;
    return checked({ ...world, parties: world.parties.with(who, after) as [Party, Party] });
  }

  /** Transitions of one side that were worked out, all of them different. */
  get transitions(): number {
    return this.#sent.size + this.#received.size;
  }

  /** The party without what it got: for worlds that begin anew. */
  withoutPast(party: Party): Party {
    return this.#party({ ...party, got: new Set() });
  }

  #encrypt(before: Party, from: 0 | 1, content: string): { party: Party; message: InFlight } {
    this.#drawFrom(before);
    const bytes = utf8(content);
    const { session, message, epochKeys } = encrypt(this.#primitives, before.session, bytes, MESSAGE_BYTES);
    const streams = entered(before, epochKeys);
    const party = this.#party({ ...committed(before, session), rows: before.rows, got: before.got, streams });
    const id = this.#id(nameOf(message, utf8(content)));
    return { party, message: { id, from, bytes: message, content } };
  }

  #decrypt(before: Party, message: InFlight): Party | null {
    this.#drawFrom(before);
    const rows = new SkippedKeyMap();
    rows.apply({ droppedChains: [], droppedBelow: null, used: null, added: copies(before.rows) });
    let result: ReturnType<typeof decrypt>;
    try {
      result = decrypt(this.#primitives, before.session, message.bytes, rows, NOW);
    } catch (error) {
      if (!(error instanceof KemError || error instanceof CryptoError)) throw error;
      if (!equal(encodeSession(before.session), before.kept))
        throw new Violation('a refusal changed the session');
      return null;
    }
    if (Buffer.from(result.content).toString() !== message.content) throw new Violation('a wrong plaintext');
    if (before.got.has(message.content)) throw new Violation('a message was delivered twice');
    rows.apply(this.#mistakes.skipped?.(result.skipped) ?? result.skipped);
    const isFirst = message.from === 0 && before.session.receiving === null;
    const answerPublic = this.#primitives.provider.mlKem768.keyPair(ANSWER_SEED).publicKey;
    const session = isFirst
      ? answerFirstEpoch(this.#primitives, result.session, answerPublic)
      : result.session;
    return this.#party({
      ...committed(before, session),
      rows: copies([...rows.rows()]),
      got: new Set(before.got).add(message.content),
      streams: entered(before, result.epochKeys),
    });
  }

  #party(party: Omit<Party, 'id'>): Party {
    const places = party.rows.map(({ chain, n }) => `${chain}.${n}`).toSorted();
    const rest = [[...party.got].toSorted(), places, party.streams].join('/');
    return { ...party, id: this.#id(nameOf(party.kept, utf8(rest))) };
  }

  #id(name: string): number {
    const id = this.#ids.get(name) ?? this.#ids.size;
    this.#ids.set(name, id);
    return id;
  }

  #drawFrom(party: Party): void {
    this.#state = new Uint8Array(party.kept);
    this.#draws = 0;
  }
}

export function canSend({ session }: Party): boolean {
  return session.sending !== null || session.remoteRatchetKey !== null;
}

/** All that can matter to what happens next. */
export function worldName({ parties, saved, sent, made, restored }: SessionWorld): string {
  const ids = sent.map(({ id }) => id).toSorted((a, b) => a - b);
  const sides = [...parties, ...saved].map((party) => party?.id ?? '');
  return [sides, ids, made, restored].join('/');
}

const copies = (rows: readonly SkippedKeyRow[]): SkippedKeyRow[] =>
  rows.map((row) => ({ ...row, key: row.key.slice() }));

/** The party goes on from what it wrote down, as after a restart; and the old value must still be what it was. */
function committed(before: Party, session: Session): Pick<Party, 'kept' | 'session'> {
  if (!equal(encodeSession(before.session), before.kept)) throw new Violation('the old session was changed');
  const kept = encodeSession(session);
  return { kept, session: decodeSession(kept) };
}

/** Stream keys as names that are the same on both sides. */
function entered({ streams, session }: Party, keys: EpochKeys | null): readonly string[] {
  if (keys === null) return streams;
  const { epoch, send, receive } = keys;
  const name = session.role === 'initiator' ? nameOf(send, receive) : nameOf(receive, send);
  const all = [...streams];
  if (epoch !== session.pq.epoch + 1 || all[epoch] !== undefined) throw new Violation('an epoch out of turn');
  all[epoch] = name;
  return all;
}

function checked(world: SessionWorld): SessionWorld {
  if (world.restored !== null) return world;
  const [a, b] = world.parties;
  if (Math.abs(a.session.pq.epoch - b.session.pq.epoch) > 1)
    throw new Violation('epochs more than one apart');
  for (const [epoch, name] of a.streams.entries()) {
    const other = b.streams[epoch];
    if (other !== undefined && other !== name) throw new Violation('two secrets of one epoch');
  }
  return world;
}
