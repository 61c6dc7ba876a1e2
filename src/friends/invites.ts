/**
 * The own invites, each with its door. A private one is good for one person: its token admits to the door, and is bound
 * to whoever comes first, when its one-time prekey is erased. A public one is for anybody until it is
 * closed, which is the answer to spam.
 */

import type { Arrived, ContactId } from '../delivery/face.ts';
import { copyOf, equal, toHex, wipe } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import {
  type DecodedInvite,
  decodeInvite,
  encodeInvite,
  INVITE_TOKEN_BYTES,
  MAX_INVITE_ENTRY_POINTS,
} from '../wire/invite.ts';
import { FriendsError, inviteUnknown, refused } from './errors.ts';
import { decodeInviteRow, encodeInviteRow, type InviteRow, inviteOf } from './invite-row.ts';
import { KeptRows } from './kept-rows.ts';
import {
  INVITE_LIFE_MS,
  MAX_OPEN_INVITES,
  MAX_PRIVATE_INVITE_LIFE_MS,
  MAX_PUBLIC_INVITE_LIFE_MS,
  MIN_ID_PREFIX,
  MIN_INVITE_LIFE_MS,
  USED_INVITE_LIFE_MS,
} from './limits.ts';
import { checkedNote } from './names.ts';
import type { FriendsInit } from './needs.ts';
import type { DoorPlan, Invite } from './people.ts';
import type { Tell } from './tell.ts';

export interface OpenInviteOptions {
  /** Default: for one person, once. */
  readonly public?: boolean | undefined;
  /** Milliseconds. Default 7 days. */
  readonly ttlMs?: number | undefined;
  /** For the owner's eyes. */
  readonly note?: string | undefined;
}

export class Invites {
  readonly #init: FriendsInit;
  readonly #rows: KeptRows<InviteRow>;
  readonly #tell: Tell;

  constructor(init: FriendsInit, tell: Tell) {
    this.#init = init;
    this.#tell = tell;
    this.#rows = new KeptRows(init.database, 'invite', {
      nameOf: ({ invite }) => invite.onionKey,
      encode: encodeInviteRow,
      decode: (_name, value) => decodeInviteRow(value),
    });
  }

  list(): Invite[] {
    return this.#rows.list().map(inviteOf);
  }

  /** Copies of what the doors are run with. */
  doors(): DoorPlan[] {
    return this.#rows.list().map(({ seed, invite: { onionKey, once }, expiresAt }) => ({
      seed: copyOf(seed),
      onionKey,
      public: once === null,
      token: once?.token ?? null,
      expiresAt,
    }));
  }

  /** Throws FriendsError INVITES_FULL, INVITE_LIFE or NOTE_BAD. */
  open(options: OpenInviteOptions): Invite {
    const isPublic = options.public ?? false;
    const note = checkedNote(options.note ?? '');
    const ttlMs = checkedLife(options.ttlMs ?? INVITE_LIFE_MS, isPublic);
    const { clock, delivery, entryPoints, provider, random } = this.#init;
    const now = Math.floor(clock.now());
    this.#makeRoom(now);
    const seed = random(32);
    const invite = {
      onionKey: provider.ed25519.publicKey(seed),
      fingerprint: delivery.fingerprint,
      expiry: Math.ceil((now + ttlMs) / 1000),
      once: isPublic
        ? null
        : { token: random(INVITE_TOKEN_BYTES), oneTimePrekey: delivery.newOneTimePrekey() },
      entryPoints: distinct(entryPoints()).slice(0, MAX_INVITE_ENTRY_POINTS),
    };
    const uri = encodeInvite(invite);
    const expiresAt = invite.expiry * 1000;
    return this.#put({ seed, uri, invite, createdAt: now, expiresAt, used: 0, usedBy: null, note });
  }

  /** By id, a beginning of it, or the text. Throws FriendsError INVITE_UNKNOWN. */
  close(which: string): void {
    const prefix = which.toLowerCase();
    const isNamed = ({ uri, invite }: InviteRow): boolean =>
      uri === which || (prefix.length >= MIN_ID_PREFIX && toHex(invite.onionKey).startsWith(prefix));
    const [found, other] = this.#rows.list().filter(isNamed);
    if (found !== undefined && other === undefined) return this.#close(found);
    throw inviteUnknown();
  }

  /** Whether who is at this door may be listened to. Costs nothing, and says nothing about who it is. */
  mayKnock(onionKey: Uint8Array, token: Uint8Array | null): boolean {
    const row = this.#rows.get(onionKey);
    if (row === null || this.#init.clock.now() >= row.expiresAt) return false;
    const wanted = row.invite.once?.token ?? null;
    if (wanted === null || token === null) return wanted === token;
    return equal(wanted, token);
  }

  /**
   * The door of a request, after a look at what only decryption shows. Throws FriendsError where the invite is closed,
   * over, or used by somebody else.
   */
  admit({ contact, oneTimePrekeyId }: Arrived, onionKey: Uint8Array): { readonly public: boolean } {
    const row = this.#rows.get(onionKey);
    if (row === null || this.#init.clock.now() >= row.expiresAt) throw refused('the invite is closed');
    const { once } = row.invite;
    if (once === null) return { public: true };
    // none where the first session was refused, and the request came in another
    const fits = oneTimePrekeyId === null || oneTimePrekeyId === once.oneTimePrekey.id;
    const isFirst = row.usedBy === null && fits;
    const isSame = row.usedBy !== null && equal(row.usedBy, contact);
    if (!isFirst && !isSame) throw refused('the invite was used');
    return { public: false };
  }

  /** Counts a request that was taken, and binds a private invite to whom it is of. */
  use(onionKey: Uint8Array, contact: ContactId): void {
    const row = this.#rows.get(onionKey);
    if (row === null || (row.usedBy !== null && equal(row.usedBy, contact))) return;
    const used = row.used + 1;
    const { once } = row.invite;
    if (once === null) {
      this.#put({ ...row, used });
      return;
    }
    this.#init.delivery.dropOneTimePrekey(once.oneTimePrekey.id);
    const expiresAt = Math.min(row.expiresAt, Math.floor(this.#init.clock.now()) + USED_INVITE_LIFE_MS);
    this.#put({ ...row, used, usedBy: contact, expiresAt });
  }

  /** Closes what is over. */
  expire(now: number): void {
    for (const row of this.#rows.list()) if (now >= row.expiresAt) this.#close(row);
  }

  /** Closes those whose one-time prekey is not here any more. */
  closePrivate(): void {
    for (const row of this.#rows.list()) if (row.invite.once !== null) this.#close(row);
  }

  /** Milliseconds since 1970. */
  nextEnd(): number | null {
    const ends = this.#rows.list().map(({ expiresAt }) => expiresAt);
    return ends.length === 0 ? null : Math.min(...ends);
  }

  #makeRoom(now: number): void {
    this.expire(now);
    const rows = this.#rows.list();
    if (rows.length < MAX_OPEN_INVITES) return;
    // what stays of a used one is a courtesy
    const used = rows.find(({ usedBy }) => usedBy !== null);
    if (used !== undefined) return this.#close(used);
    throw new FriendsError('INVITES_FULL', 'as many invites are open as can be', {
      hint: 'Close one with `kith invites close`, then try again.',
      data: { max: MAX_OPEN_INVITES },
    });
  }

  #put(row: InviteRow): Invite {
    this.#rows.put(row);
    const invite = inviteOf(row);
    this.#tell.event({ kind: 'invite', invite });
    return invite;
  }

  #close(row: InviteRow): void {
    const { onionKey, once } = row.invite;
    this.#rows.delete(onionKey);
    if (once !== null) this.#init.delivery.dropOneTimePrekey(once.oneTimePrekey.id);
    this.#init.database.afterCommit(() => wipe(row.seed));
    this.#tell.event({ kind: 'invite-closed', id: inviteOf(row).id, onionKey });
  }
}

/** What somebody pasted. Throws FriendsError INVITE_MISTYPED. */
export function readInviteText(text: string): DecodedInvite {
  try {
    return decodeInvite(text.trim());
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw new FriendsError('INVITE_MISTYPED', 'this is no invite, or not all of it', {
      hint: 'Copy the whole text, from kith: to its end.',
      cause,
    });
  }
}

function checkedLife(ttlMs: number, isPublic: boolean): number {
  const maxMs = isPublic ? MAX_PUBLIC_INVITE_LIFE_MS : MAX_PRIVATE_INVITE_LIFE_MS;
  if (ttlMs >= MIN_INVITE_LIFE_MS && ttlMs <= maxMs) return ttlMs;
  throw new FriendsError('INVITE_LIFE', 'an invite cannot live that long', {
    hint: 'Private invites live for 10 minutes to 30 days, public ones up to 365 days.',
    data: { minMs: MIN_INVITE_LIFE_MS, maxMs },
  });
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return keys.filter((key, i) => keys.findIndex((other) => equal(key, other)) === i);
}
