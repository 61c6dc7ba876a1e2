/**
 * From a ciphertext to what it leads to, in one transaction: the session's next state, the skipped keys, the place among
 * the contents, and what the domain keeps of the content. The verdict is told only after that is committed, so "kept"
 * is true whatever crashes afterwards; before it, everything is as it was and the same bytes are welcome again.
 *
 * Contents are applied in the order of their numbers: what comes too early is not read, and is sent again. Nothing of a
 * device other than the pinned one is applied.
 */

import {
  type ContactSessions,
  eraseReplacedSessions,
  openEnvelope,
  readOpening,
  receiveMessage,
  receiveOpening,
  type Received,
  type VerifiedBundle,
} from '../kem/index.ts';
import { decodeBundle } from '../kem/bundle.ts';
import { Allowance } from '../safety/allowance.ts';
import { equal, toHex, wipe } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import { KithError } from '../safety/errors.ts';
import type { Database } from '../store/database.ts';
import { StoreError } from '../store/errors.ts';
import type { BatchParts } from './batch.ts';
import { splitHead } from './content-head.ts';
import { type Apply, type Carried, type ContactId, NotNow, type Verdict, type Via } from './face.ts';
import type { Told } from './heard-row.ts';
import { OPENINGS_BURST, OPENINGS_INTERVAL_MS } from './limits.ts';
import type { SkippedLook } from './session-store.ts';
import { Refusal, verdictOf } from './verdict.ts';

/** Where something came from: a link that the contact has logged in on, or a door. */
export type From =
  | {
      readonly contact: ContactId;
      readonly via: { readonly kind: 'link' };
      /** The login was under a pair key, which nobody else has. Default: under what others may have too. */
      readonly isFirm?: boolean;
    }
  | { readonly contact: null; readonly via: { readonly kind: 'door'; readonly invite: Uint8Array } };

export interface ReceptionParts extends BatchParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly apply: Apply;
  /** After the commit: something may be owed to the contact now. */
  readonly onReceived: (contact: ContactId) => void;
  /** After the commit: the device of the contact is another one. */
  readonly onChanged: (contact: ContactId) => void;
}

/** An opening of another device than is pinned. */
class OtherDevice extends Error {
  readonly bundle: VerifiedBundle;

  constructor(bundle: VerifiedBundle) {
    super('other device');
    this.bundle = bundle;
  }
}

export class Reception {
  readonly #parts: ReceptionParts;
  /** Of openings over links, by the hex of the contact. */
  readonly #openings = new Map<string, Allowance>();

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /** Throws only what is a defect: of the apply that was handed in, or here. Nothing is kept then. */
  receive(carried: Carried, from: From): Verdict {
    const { database, peers, onChanged } = this.#parts;
    const looks: SkippedLook[] = [];
    try {
      return database.transaction(() => this.#take(carried, from, looks));
    } catch (error) {
      if (!(error instanceof OtherDevice)) return verdictOf(error, looks);
      const { bundle } = error;
      try {
        // one that is gone is not theirs any more, and never will be again
        if (database.transaction(() => peers.learn(bundle)) === 'gone') return 'refused';
      } catch (failure) {
        return verdictOf(failure, looks);
      }
      onChanged(bundle.fingerprint);
      return 'busy';
    }
  }

  #take(carried: Carried, from: From, looks: SkippedLook[]): Verdict {
    if (carried.form === 'opening') this.#takeOpening(carried, from, looks);
    else if (from.contact !== null) this.#takeMessage(carried, from, looks);
    else throw new Refusal('refused');
    return 'kept';
  }

  #takeMessage(carried: Carried, from: From & { readonly contact: ContactId }, looks: SkippedLook[]): void {
    const { p, peers, sessions } = this.#parts;
    const { contact } = from;
    if (peers.get(contact) === null) throw new Refusal('refused');
    const before = sessions.get(contact);
    const now = this.#parts.clock.now();
    const received = receiveMessage(p, before, carried.bytes, this.#skippedOf(looks, now), now);
    this.#keep(contact, received, from, carried);
  }

  #takeOpening(carried: Carried, from: From, looks: SkippedLook[]): void {
    const { p, own, peers, sessions, clock } = this.#parts;
    // at a door, the door has counted
    if (from.contact !== null && !this.#allowanceOf(from.contact).take()) throw new Refusal('busy');
    const now = clock.now();
    const inboxes = own.sets().filter((set) => set.isUsable(now));
    const { fingerprint } = own.identity;
    const plaintext = openEnvelope(
      p.provider,
      inboxes.map(({ inbox }) => inbox),
      fingerprint,
      carried.bytes,
    );
    const opening = readOpening(p.provider, plaintext);
    const contact = opening.fingerprint;
    const peer = peers.get(contact);
    if (from.contact !== null && (peer === null || !equal(contact, from.contact)))
      throw new Refusal('refused');
    const before = sessions.get(contact);
    const keys = {
      identity: own.identity,
      prekeys: own.sets(),
      oneTimePrekey: (id: number) => own.oneTimePrekey(id),
      isReplayed: (id: Uint8Array) => own.isReplayed(id),
    };
    const received = receiveOpening(p, keys, before, opening, this.#skippedOf(looks, now), now);
    const { accepted } = received;
    if (accepted !== null) {
      if (peer !== null && !equal(decodeBundle(peer.bundle).device, accepted.peer.device)) {
        forgetUnkept(received, before);
        throw new OtherDevice(accepted.peer);
      }
      // a stranger who says nothing is nobody's contact, and would never be forgotten
      if (peer === null && received.content.length === 0) throw new Refusal('refused');
      // whoever has a one-time prekey was invited, and comes once
      const isStranger = from.contact === null && accepted.oneTimePrekeyId === 0;
      if (own.isFull(opening.header.prekeyId, isStranger)) {
        forgetUnkept(received, before);
        throw new Refusal('busy');
      }
      peers.learn(accepted.peer);
      own.keepReplay(accepted.replayId, opening.header.prekeyId);
      own.dropOneTimePrekey(accepted.oneTimePrekeyId);
    }
    this.#keep(contact, received, from, carried);
  }

  #keep(contact: ContactId, received: Received, from: From, carried: Carried): void {
    const { database, peers, sessions, streams, onReceived } = this.#parts;
    const { transcript, epochKeys, content } = received;
    const told = content.length === 0 ? null : splitHead(content);
    const place = told === null ? null : streams.place(contact, told.head);
    // before anything is written: it comes again, and costs less then
    if (place === 'early') throw new Refusal('busy');
    const count = this.#countOf(contact, received, from, carried);
    streams.prepare(contact);
    sessions.put(contact, received.contact);
    sessions.applySkipped(transcript, received.skipped);
    if (epochKeys !== null) {
      wipe(epochKeys.send, epochKeys.receive);
      if (epochKeys.pairKey !== null) peers.learnPairKey(contact, transcript, epochKeys.pairKey);
    }
    const isNew = told !== null && place === 'next';
    streams.received(contact, isNew ? told.head : null, count);
    if (isNew) this.#apply(contact, received, told.content, from.via);
    database.afterCommit(() => onReceived(contact));
  }

  #apply(contact: ContactId, { proven, accepted }: Received, content: Uint8Array, via: Via): void {
    const used = accepted?.oneTimePrekeyId ?? 0;
    try {
      this.#parts.apply({ contact, content, proven, oneTimePrekeyId: used === 0 ? null : used, via });
    } catch (error) {
      if (error instanceof NotNow || error instanceof StoreError) throw new Refusal('busy', error);
      throw error instanceof KithError ? new Refusal('refused', error) : error;
    }
  }

  /** What is to be believed of the count: anybody can knock at a door, and log in with what an opening has told. */
  #countOf(contact: ContactId, { proven }: Received, from: From, { count, tag }: Carried): Told | null {
    const isFirm = proven || (from.contact !== null && from.isFirm === true);
    const hasPairKey = (this.#parts.peers.get(contact)?.pairKeys.length ?? 0) > 0;
    if (!isFirm && (from.contact === null || hasPairKey)) return null;
    return { seen: count, tag, isFirm };
  }

  #allowanceOf(contact: ContactId): Allowance {
    const id = toHex(contact);
    const known = this.#openings.get(id);
    if (known !== undefined) return known;
    const allowance = new Allowance(this.#parts.clock, OPENINGS_BURST, OPENINGS_INTERVAL_MS);
    this.#openings.set(id, allowance);
    return allowance;
  }

  #skippedOf(looks: SkippedLook[], now: number): (transcript: Uint8Array) => SkippedLook {
    return (transcript) => {
      const look = this.#parts.sessions.look(transcript, now);
      looks.push(look);
      return look;
    };
  }
}

/** Best-effort erasure of what was agreed on with a device that is not trusted. */
function forgetUnkept(received: Received, before: ContactSessions): void {
  eraseReplacedSessions(received.contact, before);
  const { epochKeys } = received;
  if (epochKeys !== null) wipe(epochKeys.send, epochKeys.receive);
}
