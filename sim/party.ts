/**
 * One side of the simulation: the real code of src/kem, and a disk. What is in memory is thrown away at every restart
 * and read back from the disk as bytes; what is on disk can be put aside and come back stale.
 *
 * Order of writes: a new state is on the disk before the message that goes with it is on its way, or its content out.
 */

import { encryptUnder, type Received, type Sent } from '../src/kem/contact-messages.ts';
import { verifyBundle, type VerifiedBundle } from '../src/kem/bundle.ts';
import {
  allSessions,
  type ContactSession,
  type ContactSessions,
  findSession,
  NO_SESSIONS,
} from '../src/kem/contact.ts';
import { eraseReplacedSessions, sessionsGone } from '../src/kem/contact-commit.ts';
import { decodeContact, encodeContact } from '../src/kem/contact-codec.ts';
import { withOpened } from '../src/kem/contact-sessions.ts';
import { generateIdentity, Identity } from '../src/kem/identity.ts';
import { initiate } from '../src/kem/kx1-initiator.ts';
import { decodePrekeys, encodePrekeys, generatePrekeys, Prekeys } from '../src/kem/prekeys.ts';
import type { Primitives } from '../src/kem/primitives.ts';
import { sealEnvelope } from '../src/kem/sealed-envelope.ts';
import type { Session } from '../src/kem/session.ts';
import { decodeSession, encodeSession } from '../src/kem/session-codec.ts';
import { SkippedKeyMap } from '../src/kem/skipped-keys.ts';
import type { RandomBytes } from '../src/safety/random.ts';
import { toHex } from '../src/safety/bytes.ts';
import { messageBytesFor } from './contents.ts';
import { receive } from './receive.ts';

/** A message that was made, and the state that goes with it. */
export interface Made {
  readonly transcript: Uint8Array;
  readonly payload: Uint8Array;
  readonly sent: Sent;
}

/** What is on the disk. */
interface Disk {
  readonly contactRow: Uint8Array | null;
  /** Encoded sessions by transcript. */
  readonly sessions: ReadonlyMap<string, Uint8Array>;
  readonly skipped: ReadonlyMap<string, SkippedKeyMap>;
  readonly replays: ReadonlySet<string>;
  readonly prekeys: readonly Uint8Array[];
  /** Contents that came out, in order. */
  readonly log: readonly number[];
}

/** A copy of a disk. */
export type Backup = Disk;

export class Party {
  readonly identity: Identity;
  contact: ContactSessions = NO_SESSIONS;
  prekeys: Prekeys[] = [];
  readonly #p: Primitives;
  #peer: VerifiedBundle | null = null;
  readonly #replays = new Set<string>();
  readonly #log: number[] = [];
  #skipped = new Map<string, SkippedKeyMap>();
  #sessions = new Map<string, Uint8Array>();
  #contactRow: Uint8Array | null = null;

  /** The identity, and it alone, comes from `identityRandom`. */
  constructor(p: Primitives, identityRandom: RandomBytes, now: number) {
    this.#p = p;
    this.identity = new Identity(p.provider, generateIdentity({ random: identityRandom }));
    this.prekeys = [generatePrekeys(p, this.identity, [], now)];
  }

  get bundle(): Uint8Array {
    return (this.prekeys[0] as Prekeys).secrets.bundle;
  }

  /** The session that contents are encrypted under; throws when there is none. */
  get live(): Session {
    if (this.contact.live === null) throw new RangeError('no session');
    return this.contact.live.session;
  }

  get replays(): ReadonlySet<string> {
    return this.#replays;
  }

  /** Skipped keys of a session. */
  skippedOf(transcript: Uint8Array): SkippedKeyMap {
    return this.#skipped.get(toHex(transcript)) ?? new SkippedKeyMap();
  }

  holds(transcript: string): boolean {
    return this.#sessions.has(transcript);
  }

  /** Opens a session to the peer's bundle. */
  open(peerBundle: Uint8Array, now: number): void {
    const { provider } = this.#p;
    this.#peer = verifyBundle(provider, peerBundle, now);
    const [prekeys] = this.prekeys as [Prekeys];
    const opened = initiate(this.#p, {
      identity: this.identity,
      prekeys,
      peer: this.#peer,
      now,
    });
    this.#commit(withOpened(this.contact, opened, now));
  }

  /** Makes a message under the live session, or another; null when there is none. Nothing is on the disk yet. */
  make(content: Uint8Array, transcript: Uint8Array | null, now: number): Made | null {
    const entry = transcript === null ? this.contact.live : findSession(this.contact, transcript);
    if (entry === null) return null;
    const size = messageBytesFor(content.length);
    const sent = encryptUnder(this.#p, this.contact, entry, {
      content,
      messageBytes: size,
      prekeys: this.prekeys,
      now,
    });
    if (sent.form === 'message') return { transcript: entry.session.transcript, payload: sent.bytes, sent };
    const { inbox: inboxKey, fingerprint } = this.#peer as VerifiedBundle;
    const payload = sealEnvelope(this.#p.provider, { inboxKey, fingerprint }, sent.bytes);
    return { transcript: entry.session.transcript, payload, sent };
  }

  /** Puts what was made on the disk. Returns the session it went under. */
  keepSent({ transcript, sent }: Made): Session {
    return this.#keep(transcript, sent.contact);
  }

  /** Takes a payload apart. Throws its refusals. Nothing is on the disk yet. */
  take(payload: Uint8Array, now: number): Received {
    return receive(this.#p, this, payload, now);
  }

  /** Puts what was received on the disk; `id` is that of its content. Returns the session it came under. */
  keepReceived(received: Received, id: number): Session {
    const transcript = toHex(received.transcript);
    const skipped = this.#skipped.get(transcript) ?? new SkippedKeyMap();
    this.#skipped.set(transcript, skipped);
    skipped.apply(received.skipped);
    if (received.accepted !== null) {
      this.#replays.add(toHex(received.accepted.replayId));
      this.#peer = received.accepted.peer;
    }
    this.#log.push(id);
    return this.#keep(received.transcript, received.contact);
  }

  /** Memory is gone; what is on the disk is read back. */
  restart(): void {
    this.contact =
      this.#contactRow === null
        ? NO_SESSIONS
        : decodeContact(this.#contactRow, (transcript) => {
            const row = this.#sessions.get(toHex(transcript));
            return row === undefined ? null : decodeSession(row);
          });
    this.prekeys = this.prekeys.map(
      ({ secrets }) => new Prekeys(this.#p.provider, decodePrekeys(encodePrekeys(secrets))),
    );
  }

  backUp(): Backup {
    return {
      contactRow: this.#contactRow,
      sessions: new Map(this.#sessions),
      skipped: new Map([...this.#skipped].map(([name, map]) => [name, copyOf(map)])),
      replays: new Set(this.#replays),
      prekeys: this.prekeys.map(({ secrets }) => encodePrekeys(secrets)),
      log: [...this.#log],
    };
  }

  /** The disk is what it once was. Returns the contents that came out since. */
  restore(backup: Backup): number[] {
    this.#sessions = new Map(backup.sessions);
    this.#skipped = new Map(backup.skipped);
    this.#contactRow = backup.contactRow;
    this.#replays.clear();
    for (const id of backup.replays) this.#replays.add(id);
    this.prekeys = backup.prekeys.map((bytes) => new Prekeys(this.#p.provider, decodePrekeys(bytes)));
    const since = this.#log.splice(backup.log.length);
    this.restart();
    return since;
  }

  /** What a side does that knows its state to be old: no session of it is used again, and the prekeys go. */
  startAnew(now: number): void {
    for (const prekeys of this.prekeys) prekeys.erase();
    this.prekeys = [generatePrekeys(this.#p, this.identity, [], now)];
    this.#replays.clear();
    this.#skipped.clear();
    this.#commit(NO_SESSIONS);
  }

  #keep(transcript: Uint8Array, contact: ContactSessions): Session {
    this.#commit(contact);
    return (findSession(contact, transcript) as ContactSession).session;
  }

  /** Writes the sessions that are new or changed, deletes those that are over, and then erases what they were. */
  #commit(contact: ContactSessions): void {
    const before = new Map(
      allSessions(this.contact).map(({ session }) => [toHex(session.transcript), session]),
    );
    const rows = new Map<string, Uint8Array>();
    for (const { session } of allSessions(contact)) {
      const transcript = toHex(session.transcript);
      const row = this.#sessions.get(transcript);
      const isSame = row !== undefined && before.get(transcript) === session;
      rows.set(transcript, isSame ? row : encodeSession(session));
    }
    for (const { transcript } of sessionsGone(this.contact, contact)) this.#skipped.delete(toHex(transcript));
    this.#sessions = rows;
    this.#contactRow = contact.peer === null ? null : encodeContact(contact);
    eraseReplacedSessions(this.contact, contact);
    this.contact = contact;
  }
}

function copyOf(map: SkippedKeyMap): SkippedKeyMap {
  const copy = new SkippedKeyMap();
  const added = [...map.rows()].map((row) => ({ ...row, key: row.key.slice() }));
  copy.apply({ droppedChains: [], droppedBelow: null, used: null, added });
  return copy;
}
