/**
 * Who is known, whose keys are pinned, and when sessions are opened because of it. The cryptographic half of knowing
 * somebody: what they are to us is for the domain.
 *
 * Owner: Delivery; everything that writes is called inside a transaction.
 */

import { bundleHash, decodeBundle, verifyBundle } from '../kem/bundle.ts';
import {
  type ContactSessions,
  isProven,
  KemError,
  NO_SESSIONS,
  type OneTimePrekeyPublic,
  withoutExpired,
} from '../kem/index.ts';
import { copyOf, equal, toHex } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Database } from '../store/database.ts';
import type { BatchParts } from './batch.ts';
import type { ContactId } from './face.ts';
import { COUNT_LEAP, MAX_BELIEVED_COUNT, ROLLED_BACK_INTERVAL_MS } from './limits.ts';
import type { Openings } from './openings.ts';
import type { Outbox } from './outbox.ts';

/** `proven`: only the contact can have written what comes now. `changed`: nothing goes out until a person has confirmed. */
export type Trust = 'unproven' | 'proven' | 'changed';

export interface ContactsParts extends BatchParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly openings: Openings;
}

/** What an invite says about somebody. */
export interface MeetOptions {
  /** 48 bytes. */
  readonly fingerprint: Uint8Array;
  readonly oneTimePrekey?: OneTimePrekeyPublic | undefined;
}

export class Contacts {
  readonly #parts: ContactsParts;
  /** When a contact last made us begin anew, monotonic ms, by its hex. */
  readonly #rolledBackAt = new Map<string, number>();

  constructor(parts: ContactsParts) {
    this.#parts = parts;
  }

  /** See Delivery.meet. */
  meet(bytes: Uint8Array, { fingerprint, oneTimePrekey }: MeetOptions): 'met' | 'changed' {
    const { p, own, clock, peers, streams, openings } = this.#parts;
    const now = clock.now();
    const bundle = verifyBundle(p.provider, bytes, now);
    if (!equal(bundle.fingerprint, fingerprint)) throw wrongContact();
    if (equal(fingerprint, own.identity.fingerprint)) throw ownFingerprint();
    const learned = peers.learn(bundle);
    if (learned === 'changed') return 'changed';
    if (learned === 'gone') throw goneDevice();
    streams.prepare(fingerprint);
    openings.open(fingerprint, now, oneTimePrekey === undefined ? {} : { oneTimePrekey });
    return 'met';
  }

  forget(contact: ContactId): void {
    const { outbox, sessions, streams, peers } = this.#parts;
    for (const part of [outbox, sessions, streams, peers]) part.forget(contact);
  }

  learn(contact: ContactId, bytes: Uint8Array): 'same' | 'newer' | 'changed' {
    const { p, clock, peers } = this.#parts;
    if (equal(peers.require(contact).bundle, bytes)) return 'same';
    const bundle = verifyBundle(p.provider, bytes, clock.now());
    if (!equal(bundle.fingerprint, contact)) throw wrongContact();
    const learned = peers.learn(bundle);
    return learned === 'gone' ? 'same' : learned;
  }

  confirmDevice(contact: ContactId): void {
    const { peers, openings, clock } = this.#parts;
    if (peers.confirm(contact)) openings.open(contact, clock.now(), { forgetting: true });
  }

  bundleHashOf(contact: ContactId): Uint8Array | null {
    const peer = this.#parts.peers.get(contact);
    return peer === null ? null : bundleHash(this.#parts.p.provider, peer.bundle);
  }

  deviceOf(contact: ContactId): Uint8Array | null {
    const peer = this.#parts.peers.get(contact);
    return peer === null ? null : decodeBundle(peer.changedTo ?? peer.bundle).device;
  }

  trust(contact: ContactId): Trust {
    const peer = this.#parts.peers.get(contact);
    if (peer === null) return 'unproven';
    if (peer.changedTo !== null) return 'changed';
    const { live } = this.#parts.sessions.get(contact);
    return peer.pairKeys.length > 0 || (live !== null && isProven(live.session)) ? 'proven' : 'unproven';
  }

  /** The live session's first. */
  pairKeys(contact: ContactId): Uint8Array[] {
    const live = this.#parts.sessions.get(contact).live?.session.transcript;
    const keys = this.#parts.peers.get(contact)?.pairKeys ?? [];
    const isLive = (transcript: Uint8Array): boolean => live !== undefined && equal(live, transcript);
    const first = keys.filter(({ transcript }) => isLive(transcript));
    return [...first, ...keys.filter(({ transcript }) => !isLive(transcript))].map(({ key }) => copyOf(key));
  }

  /** See Delivery.theySaw. False: nothing is wrong. */
  theySaw(contact: ContactId, seen: number, tag: Uint8Array): boolean {
    const { database, clock, streams, outbox, openings, own } = this.#parts;
    if (this.#parts.peers.get(contact) === null) return false;
    if (!(seen > streams.counts(contact).sent) || seen > MAX_BELIEVED_COUNT) return false;
    if (!own.tags.isOurs(contact, seen, tag)) return false;
    const lastAt = this.#rolledBackAt.get(toHex(contact)) ?? Number.NEGATIVE_INFINITY;
    if (clock.monotonic() - lastAt < ROLLED_BACK_INTERVAL_MS) return false;
    database.afterCommit(() => this.#rolledBackAt.set(toHex(contact), clock.monotonic()));
    const stream = streams.streamOf(contact);
    streams.begin(contact, seen + COUNT_LEAP);
    outbox.renumber(contact, stream);
    openings.open(contact, clock.now(), { forgetting: true });
    return true;
  }

  renew(contact: ContactId): void {
    this.#parts.openings.open(contact, this.#parts.clock.now());
  }

  /** Drops the sessions of the contact that are over at `now` (milliseconds since 1970). */
  dropExpired(contact: ContactId, now: number): void {
    const { sessions } = this.#parts;
    const before = sessions.get(contact);
    const after = withoutExpired(before, now);
    if (!isUnchanged(before, after)) sessions.put(contact, after);
  }
}

/** Sessions only go, so their number tells. */
function isUnchanged(a: ContactSessions, b: ContactSessions): boolean {
  if (a === NO_SESSIONS) return true;
  const count = ({ candidates, replaced }: ContactSessions): number => candidates.length + replaced.length;
  return a.live === b.live && a.aside === b.aside && count(a) === count(b);
}

function wrongContact(): KemError {
  return new KemError('WRONG_CONTACT', 'the bundle is of somebody else', {
    hint: 'Ask the contact for the invite again, over another way if this comes back.',
  });
}

function goneDevice(): KemError {
  return new KemError('BUNDLE_MISMATCH', 'the bundle is of a device that the contact had before', {
    hint: 'Ask the contact for a new invite.',
  });
}

function ownFingerprint(): KemError {
  return new KemError('OWN_FINGERPRINT', 'this is the own identity', {
    hint: 'Choose somebody else: a session has two ends.',
  });
}
