/**
 * Several messages to one contact whose session is saved once, after the last: the rows of a session are larger than
 * what one message changes in it. Inside one transaction, as everything here.
 */

import { decodeBundle } from '../kem/bundle.ts';
import {
  contentCapacity,
  type ContactSession,
  type ContactSessions,
  encryptUnder,
  MESSAGE_SIZES,
  type Primitives,
  sealEnvelope,
} from '../kem/index.ts';
import { OPENING_MESSAGE_BYTES } from '../kem/kx1.ts';
import { wipe } from '../safety/bytes.ts';
import type { ContactId } from './face.ts';
import type { OwnKeys } from './own-keys.ts';
import type { Peers } from './peers.ts';
import type { SessionStore } from './session-store.ts';
import type { Streams } from './streams.ts';

const SIZES = MESSAGE_SIZES.filter((size) => size !== OPENING_MESSAGE_BYTES).toSorted((a, b) => a - b);

export interface BatchParts {
  readonly p: Primitives;
  readonly own: OwnKeys;
  readonly peers: Peers;
  readonly sessions: SessionStore;
  readonly streams: Streams;
}

export interface Ciphertext {
  readonly form: 'opening' | 'message';
  readonly transcript: Uint8Array;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export class Batch {
  readonly #parts: BatchParts;
  readonly #contact: ContactId;
  readonly #now: number;
  readonly #steps: ContactSessions[] = [];
  #sessions: ContactSessions;
  #count: number;

  /** `now` in milliseconds since 1970. */
  constructor(parts: BatchParts, contact: ContactId, now: number) {
    this.#parts = parts;
    this.#contact = contact;
    this.#now = now;
    this.#sessions = parts.sessions.get(contact);
    this.#count = parts.streams.counts(contact).sent;
  }

  /** As they are after what was encrypted. */
  get sessions(): ContactSessions {
    return this.#sessions;
  }

  /** Throws what encryptUnder does, and has changed nothing then. */
  encrypt(session: ContactSession, content: Uint8Array): Ciphertext {
    const { p, own, peers } = this.#parts;
    const messageBytes = SIZES.find((size) => content.length <= contentCapacity(size));
    if (messageBytes === undefined) throw new RangeError('no message is so large');
    const sending = { content, messageBytes, prekeys: own.sets(), now: this.#now };
    const { contact, transcript, form, bytes, epochKeys } = encryptUnder(p, this.#sessions, session, sending);
    if (epochKeys !== null) {
      wipe(epochKeys.send, epochKeys.receive);
      if (epochKeys.pairKey !== null) peers.learnPairKey(this.#contact, transcript, epochKeys.pairKey);
    }
    this.#steps.push(contact);
    this.#sessions = contact;
    this.#count += 1;
    return {
      form,
      transcript,
      count: this.#count,
      bytes: form === 'opening' ? this.#envelope(bytes) : bytes,
    };
  }

  /** Saves what all of it has led to. */
  save(): void {
    if (this.#steps.length === 0) return;
    const { sessions, streams } = this.#parts;
    sessions.put(this.#contact, this.#sessions, this.#steps.slice(0, -1));
    streams.setSent(this.#contact, this.#count);
  }

  /** To the newest inbox key of the contact: it keeps the older ones as well. */
  #envelope(plaintext: Uint8Array): Uint8Array {
    const { inbox } = decodeBundle(this.#parts.peers.require(this.#contact).bundle);
    return sealEnvelope(this.#parts.p.provider, { inboxKey: inbox, fingerprint: this.#contact }, plaintext);
  }
}
