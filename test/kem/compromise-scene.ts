/** A conversation with loss and disorder whose every message, and both sides' states after every step, are on record. */

import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import {
  answerFirstEpoch,
  eraseReplaced,
  openAsInitiator,
  openAsResponder,
  type Session,
} from '../../src/kem/session.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { SkippedKeyMap, type SkippedKeyRow } from '../../src/kem/skipped-keys.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Provider } from '../../src/safety/crypto/provider.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { toHex, utf8 } from '../../src/safety/bytes.ts';
import { seededChance } from '../../src/testnet/seeded.ts';

export interface Recorded {
  readonly from: 0 | 1;
  readonly bytes: Uint8Array;
  readonly content: string;
  /** Which step of the conversation it was sent in. */
  readonly sentAt: number;
  /** Which step it was decrypted in; null: it was lost. */
  readonly readAt: number | null;
  /** Number of its chain's root step: odd ones are the initiator's. */
  readonly rootStep: number;
  readonly epoch: number;
  /** The message key, the chain keys that lead to it, and the root key before its chain. */
  readonly keys: readonly Uint8Array[];
}

/** What a thief finds. */
export interface Stolen {
  readonly side: 0 | 1;
  /** The step after which it was taken. */
  readonly at: number;
  readonly session: Session;
  readonly rows: readonly SkippedKeyRow[];
  /** All of it as bytes. */
  readonly bytes: Buffer;
  /** The newest root step that this side has taken part in. */
  readonly rootStep: number;
}

export interface Scene {
  readonly messages: readonly Recorded[];
  readonly thefts: readonly Stolen[];
  /** The step in which the key of each epoch was made. */
  readonly begun: readonly number[];
  readonly answerKey: Uint8Array;
  /** Secrets by public key, of all keys ever made. */
  readonly discreteLog: (publicKey: Uint8Array) => Uint8Array | null;
  readonly kemSeed: (publicKey: Uint8Array) => Uint8Array | null;
}

const MESSAGE_BYTES = 4_064;
const NOW = 1_800_000_000_000;
const LOSS = 0.2;
const DELAYED = 0.3;

/** Remembers the secrets behind all public keys, and the keys behind each message. */
class Recorder {
  readonly x25519 = new Map<string, Uint8Array>();
  readonly mlKem = new Map<string, Uint8Array>();
  /** Chain and root keys by the message key or chain key that they gave. */
  readonly #parents = new Map<string, Uint8Array>();
  #messageKey: Uint8Array = new Uint8Array(0);

  readonly provider: Provider = {
    ...nodeProvider,
    x25519: {
      keyPair: (secret) => {
        const pair = nodeProvider.x25519.keyPair(secret);
        this.x25519.set(toHex(pair.publicKey), secret.slice());
        return pair;
      },
    },
    mlKem768: {
      ...nodeProvider.mlKem768,
      keyPair: (seed) => {
        const pair = nodeProvider.mlKem768.keyPair(seed);
        this.mlKem.set(toHex(pair.publicKey), seed.slice());
        return pair;
      },
    },
    hmacSha256: (key, ...parts) => {
      const output = nodeProvider.hmacSha256(key, ...parts);
      this.#parents.set(toHex(output), key.slice());
      return output;
    },
    hkdfSha256: (ikm, salt, info, size) => {
      if (size === 56) this.#messageKey = ikm.slice();
      const output = nodeProvider.hkdfSha256(ikm, salt, info, size);
      if (size === 128) this.#parents.set(toHex(output.subarray(32, 64)), salt.slice());
      return output;
    },
  };

  /** The key of the last message, and all that lead to it within its chain. */
  lastKeys(): Uint8Array[] {
    const keys = [this.#messageKey];
    for (let key = this.#parents.get(toHex(this.#messageKey)); key !== undefined; ) {
      keys.push(key);
      key = this.#parents.get(toHex(key));
    }
    return keys;
  }
}

class Side {
  readonly skipped = new SkippedKeyMap();
  session: Session;
  rootStep: number;

  constructor(session: Session, rootStep: number) {
    this.session = session;
    this.rootStep = rootStep;
  }

  become(session: Session): void {
    const before = this.session;
    this.session = session;
    eraseReplaced(before, session);
  }

  stolen(side: 0 | 1, at: number): Stolen {
    const kept = encodeSession(this.session);
    const rows = [...this.skipped.rows()].map((row) => ({ ...row, key: row.key.slice() }));
    const bytes = Buffer.concat([kept, ...rows.map(({ key }) => key)]);
    return { side, at, session: decodeSession(kept), rows, bytes, rootStep: this.rootStep };
  }
}

/** Plays `steps` messages in an order that depends on `seed` alone. */
export function play(steps: number, seed: number): Scene {
  const recorder = new Recorder();
  const p = { provider: recorder.provider, random: systemRandom };
  const chance = seededChance(seed);
  const [transcript, spkSecret, answerSeed] = [systemRandom(32), systemRandom(32), systemRandom(64)];
  const keys = {
    rootKey: systemRandom(32),
    initiatorHeaderKey: systemRandom(32),
    responderHeaderKey: systemRandom(32),
  };
  const answerKey = p.provider.mlKem768.keyPair(answerSeed).publicKey;
  const remoteRatchetKey = p.provider.x25519.keyPair(spkSecret).publicKey;
  const opening = { header: new Uint8Array(1_739), expiry: 0 };
  const sides = [
    new Side(openAsInitiator({ transcript, keys, remoteRatchetKey, answerSeed, opening }), 0),
    new Side(openAsResponder({ transcript, keys, ratchetSecret: spkSecret }), 0),
  ] as const;
  const messages: Recorded[] = [];
  const onTheWay: number[] = [];
  const thefts: Stolen[] = [];
  const begun = [0, 0];

  const receive = (place: number, step: number): void => {
    const message = messages[place] as Recorded;
    const side = sides[message.from === 0 ? 1 : 0];
    const isFirst = side.session.receiving === null && message.from === 0;
    const { session, content, skipped } = decrypt(p, side.session, message.bytes, side.skipped, NOW);
    if (Buffer.from(content).toString() !== message.content) throw new Error('a wrong plaintext');
    side.skipped.apply(skipped);
    side.become(isFirst ? answerFirstEpoch(p, session, answerKey) : session);
    side.rootStep = Math.max(side.rootStep, message.rootStep);
    messages[place] = { ...message, readAt: step };
  };
  const send = (from: 0 | 1, step: number): number => {
    const side = sides[from];
    const isStep = side.session.sending === null;
    const isDue = side.session.pq.mode === 'due';
    const content = `message ${step} of ${from}`;
    const { session, message } = encrypt(p, side.session, utf8(content), MESSAGE_BYTES);
    const recorded = { from, bytes: message, content, sentAt: step, readAt: null, keys: recorder.lastKeys() };
    if (isStep) side.rootStep++;
    if (isDue && session.pq.mode === 'propose') begun[session.pq.epoch + 1] = step;
    side.become(session);
    return messages.push({ ...recorded, rootStep: side.rootStep, epoch: session.pq.epoch }) - 1;
  };

  for (let step = 1; step <= steps; step++) {
    const isAble = sides[1].session.remoteRatchetKey !== null;
    const from = isAble && chance() < 0.5 ? 1 : 0;
    const place = send(from, step);
    const fate = chance();
    if (fate >= LOSS) onTheWay.push(place);
    while (onTheWay.length > 0 && chance() > DELAYED) {
      const [next] = onTheWay.splice(Math.floor(chance() * onTheWay.length), 1);
      receive(next as number, step);
    }
    thefts.push(sides[0].stolen(0, step), sides[1].stolen(1, step));
  }
  const lookUp = (all: ReadonlyMap<string, Uint8Array>) => (key: Uint8Array) => all.get(toHex(key)) ?? null;
  return {
    messages,
    thefts,
    begun,
    answerKey,
    discreteLog: lookUp(recorder.x25519),
    kemSeed: lookUp(recorder.mlKem),
  };
}
