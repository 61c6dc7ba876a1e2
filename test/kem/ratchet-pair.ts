/** Two parties of one session in memory, each with its skipped keys, that keep what they are given as an app would. */

import assert from 'node:assert/strict';
import { x25519 } from '@noble/curves/ed25519.js';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import type { EpochKeys } from '../../src/kem/ratchet-keys.ts';
import type { Primitives } from '../../src/kem/primitives.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import {
  answerFirstEpoch,
  eraseReplaced,
  openAsInitiator,
  openAsResponder,
  type Session,
} from '../../src/kem/session.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { seededRandom } from '../dht/seeded-random.ts';

/** Some day, in milliseconds. */
export const NOW = 1_800_000_000_000;
export const SMALL = 4_064;
export const ENVELOPED = 13_380;

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export class Party {
  readonly p: Primitives;
  session: Session;
  readonly skipped: SkippedKeyMap;
  /** What the epochs gave out, in order. */
  readonly streams: EpochKeys[] = [];

  constructor(p: Primitives, session: Session, skipped = new SkippedKeyMap()) {
    this.p = p;
    this.session = session;
    this.skipped = skipped;
  }

  send(content: string | Uint8Array, messageBytes = SMALL): Uint8Array {
    const bytes = typeof content === 'string' ? bytesOf(content) : content;
    const { session, message, epochKeys } = encrypt(this.p, this.session, bytes, messageBytes);
    this.#commit(session, epochKeys);
    return message;
  }

  /** The content as text. */
  receive(message: Uint8Array, now = NOW): string {
    const { session, content, skipped, epochKeys } = decrypt(
      this.p,
      this.session,
      message,
      this.skipped,
      now,
    );
    this.#commit(session, epochKeys);
    this.skipped.apply(skipped);
    return textOf(content);
  }

  /** Itself, as it is now, with nothing shared: what a process reads that starts again. */
  restarted(): Party {
    const skipped = new SkippedKeyMap();
    const added = [...this.skipped.rows()].map((row) => ({ ...row, key: row.key.slice() }));
    skipped.apply({ droppedChains: [], droppedBelow: null, used: null, added });
    return new Party(this.p, decodeSession(encodeSession(this.session)), skipped);
  }

  /** All there is to compare: the state and the skipped keys. */
  get saved(): string {
    const keys = [...this.skipped.rows()].map(
      ({ chain, n, key, expiresAt }) => `${chain} ${n} ${hex(key)} ${expiresAt}`,
    );
    return [hex(encodeSession(this.session)), ...keys].join('\n');
  }

  #commit(session: Session, epochKeys: EpochKeys | null): void {
    eraseReplaced(this.session, session);
    this.session = session;
    if (epochKeys !== null) this.streams.push(epochKeys);
  }
}

export interface Beginning {
  readonly transcript: Uint8Array;
  readonly keys: Parameters<typeof openAsInitiator>[0]['keys'];
  /** The responder's signed prekey. */
  readonly prekey: Uint8Array;
  readonly answerSeed: Uint8Array;
  readonly opening: { readonly header: Uint8Array; readonly expiry: number };
}

export function beginning(seed: number): Beginning {
  const random = seededRandom(seed);
  const keys = { rootKey: random(32), initiatorHeaderKey: random(32), responderHeaderKey: random(32) };
  return {
    transcript: random(32),
    keys,
    prekey: random(32),
    answerSeed: random(64),
    opening: { header: random(1_739), expiry: 7 },
  };
}

/** Both ends before any message; the responder does not know the answer key yet. */
export function parties(
  seed: number,
  provider = nodeProvider,
): { a: Party; b: Party; answerKey: Uint8Array } {
  const { transcript, keys, prekey, answerSeed, opening } = beginning(seed);
  const init = { transcript, keys, remoteRatchetKey: x25519.getPublicKey(prekey), answerSeed, opening };
  return {
    a: new Party({ provider, random: seededRandom(seed + 1_000) }, openAsInitiator(init)),
    b: new Party(
      { provider, random: seededRandom(seed + 2_000) },
      openAsResponder({ transcript, keys, ratchetSecret: prekey }),
    ),
    answerKey: provider.mlKem768.keyPair(answerSeed).publicKey,
  };
}

/** Both ends after the initiator's first message, which the responder has answered in its state. */
export function opened(seed: number, provider = nodeProvider): { a: Party; b: Party } {
  const { a, b, answerKey } = parties(seed, provider);
  b.receive(a.send('first', ENVELOPED));
  b.session = answerFirstEpoch(b.p, b.session, answerKey);
  return { a, b };
}

/** `rounds` of b and a in turn: each has heard and answered. */
export function talked(seed: number, rounds: number, provider = nodeProvider): { a: Party; b: Party } {
  const pair = opened(seed, provider);
  for (let i = 0; i < rounds; i++) {
    pair.a.receive(pair.b.send('over'));
    pair.b.receive(pair.a.send('to you'));
  }
  return pair;
}

/** `count` messages, read as the name and their number. */
export function series(party: Party, count: number, name = 'm'): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => party.send(`${name}${i}`));
}

/** Asserts that the message is refused with `code`, and that nothing has changed. */
export function refuses(party: Party, message: Uint8Array, code: string, now = NOW): void {
  const before = party.saved;
  assert.throws(() => party.receive(message, now), { code });
  assert.equal(party.saved, before, 'nothing has changed');
}
