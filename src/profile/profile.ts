/**
 * How I show myself to friends and how they show themselves to me: name, status text, picture. Only friends get it,
 * end to end, and only the newest counts: a revision that is not higher than the one here changes nothing.
 *
 * A friend's name is what that friend says; what a person calls them is the petname, and that is elsewhere. A picture
 * is kept when all its parts are here, their hash is the announced one, and it is a picture (wire/picture.ts).
 */

import type { Arrived, ContactId } from '../delivery/face.ts';
import { concat, copyOf, equal, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { Database, TableSpec } from '../store/database.ts';
import type { SealedTable } from '../store/sealed-table.ts';
import { contentKindOf } from '../wire/content-kind.ts';
import { decodePicture } from '../wire/picture.ts';
import {
  decodePicturePart,
  decodeProfile,
  encodePicturePart,
  encodeProfile,
  picturePartsOf,
} from '../wire/profile-content.ts';
import { checkedName, checkedPicture, checkedStatus } from './checks.ts';
import { decodeProfileRow, encodeProfileRow, type ProfileRow } from './row.ts';

export const PROFILE_TABLES: readonly TableSpec[] = [
  { name: 'profile', inBackup: true },
  { name: 'picture_part', inBackup: false },
];

/** Carries contents to a friend. */
export interface ProfileOutbox {
  enqueue(contact: ContactId, item: { readonly key: Uint8Array; readonly content: Uint8Array }): void;
  withdraw(contact: ContactId, key: Uint8Array): boolean;
}

export interface ProfileInit {
  readonly database: Database;
  readonly outbox: ProfileOutbox;
  /** Who is to be told of a change. */
  readonly friends: () => Iterable<ContactId>;
  readonly provider: Provider;
  /** After the commit; `contact` is null for one's own. */
  readonly onChanged: (contact: ContactId | null) => void;
}

export interface ShownProfile {
  readonly name: string;
  readonly status: string;
  readonly picture: Uint8Array | null;
}

export interface ProfileEdit {
  readonly name?: string;
  readonly status?: string;
  /** Null removes it. */
  readonly picture?: Uint8Array | null;
}

const OWN = utf8('own');
const NOBODY: ProfileRow = { revision: 0, name: '', status: '', picture: null, wanted: null };
const KEY_BYTES = 16;

export class Profile {
  readonly #init: ProfileInit;
  readonly #profiles: SealedTable;
  readonly #parts: SealedTable;

  constructor(init: ProfileInit) {
    this.#init = init;
    this.#profiles = init.database.table('profile');
    this.#parts = init.database.table('picture_part');
  }

  own(): ShownProfile {
    return this.#read(OWN) ?? NOBODY;
  }

  /** What a friend shows; null before anything came. */
  of(contact: ContactId): ShownProfile | null {
    return this.#read(contact);
  }

  /** Changes one's own and tells all friends, at once or not at all. Throws ProfileError. */
  set(edit: ProfileEdit): ShownProfile {
    const before = this.#read(OWN) ?? NOBODY;
    const after: ProfileRow = {
      revision: before.revision + 1,
      name: edit.name === undefined ? before.name : checkedName(edit.name),
      status: edit.status === undefined ? before.status : checkedStatus(edit.status),
      picture: edit.picture === undefined ? before.picture : checkedPicture(edit.picture),
      wanted: null,
    };
    this.#init.database.transaction(() => {
      this.#profiles.put({ name: OWN, value: encodeProfileRow(after) });
      for (const contact of this.#init.friends()) this.#send(contact, after, before);
      this.#init.database.afterCommit(() => this.#init.onChanged(null));
    });
    return after;
  }

  /** Tells a new friend, or one who lost it. Belongs into the transaction that makes the friendship. */
  tell(contact: ContactId): void {
    const own = this.#read(OWN);
    if (own !== null) this.#send(contact, own, null);
  }

  /** Takes a content of the kinds `profile` and `picture`, inside the transaction that keeps it. */
  apply({ contact, content }: Arrived): void {
    if (contentKindOf(content) === 'profile') this.#applyProfile(contact, content);
    else this.#applyPart(contact, content);
  }

  forget(contact: ContactId): void {
    this.#profiles.delete(contact);
    this.#parts.deleteScope(contact);
  }

  #send(
    contact: ContactId,
    { revision, name, status, picture }: ProfileRow,
    before: ProfileRow | null,
  ): void {
    const { outbox, provider } = this.#init;
    const sha256 = picture === null ? null : provider.sha256(picture);
    const announced = picture === null || sha256 === null ? null : { sizeBytes: picture.length, sha256 };
    if (before !== null) outbox.withdraw(contact, this.#key(before.revision, 0));
    const content = encodeProfile({ revision, name, status, picture: announced });
    outbox.enqueue(contact, { key: this.#key(revision, 0), content });
    if (picture === null || sha256 === null) return;
    if (before?.picture != null && equal(before.picture, picture)) return; // its parts are there or on their way
    for (const part of picturePartsOf(picture, sha256)) {
      const item = { key: this.#key(revision, 1 + part.index), content: encodePicturePart(part) };
      outbox.enqueue(contact, item);
    }
  }

  #applyProfile(contact: ContactId, content: Uint8Array): void {
    const { revision, name, status, picture: announced } = decodeProfile(content);
    const before = this.#read(contact);
    if (before !== null && revision <= before.revision) return;
    const kept = before?.picture ?? null;
    const isSame = announced !== null && kept !== null && this.#isPicture(kept, announced.sha256);
    const picture = isSame ? kept : null;
    const row = { revision, name, status, picture, wanted: isSame ? null : announced };
    const awaited = before?.wanted ?? null;
    if (awaited !== null && (announced === null || !equal(awaited.sha256, announced.sha256))) {
      this.#parts.deleteScope(contact); // of a picture that was replaced before it was here
    }
    this.#store(contact, row);
    this.#gather(contact, row);
  }

  #applyPart(contact: ContactId, content: Uint8Array): void {
    const { sha256, index, bytes } = decodePicturePart(content);
    const row = this.#read(contact);
    if (row?.wanted == null || !equal(row.wanted.sha256, sha256)) return;
    this.#parts.put({ name: concat(contact, Uint8Array.of(index)), scope: contact, value: bytes });
    this.#gather(contact, row);
  }

  /** Puts the announced picture together when all of it is here. */
  #gather(contact: ContactId, row: ProfileRow): void {
    const { wanted } = row;
    if (wanted === null) {
      this.#parts.deleteScope(contact);
      return;
    }
    const parts = this.#parts.page({ scope: contact, limit: 2 ** 8 });
    const inOrder = parts.toSorted((a, b) => (a.name.at(-1) as number) - (b.name.at(-1) as number));
    const whole = concat(...inOrder.map(({ value }) => value));
    if (whole.length < wanted.sizeBytes) return;
    this.#parts.deleteScope(contact);
    const isWhole = whole.length === wanted.sizeBytes && this.#isPicture(whole, wanted.sha256);
    this.#store(contact, { ...row, picture: isWhole && isDrawable(whole) ? whole : null, wanted: null });
  }

  #store(contact: ContactId, row: ProfileRow): void {
    const { database, onChanged } = this.#init;
    this.#profiles.put({ name: contact, value: encodeProfileRow(row) });
    database.afterCommit(() => onChanged(contact));
  }

  #isPicture(picture: Uint8Array, sha256: Uint8Array): boolean {
    return equal(this.#init.provider.sha256(picture), sha256);
  }

  #read(name: Uint8Array): ProfileRow | null {
    const row = this.#profiles.get(name);
    return row === null ? null : decodeProfileRow(row.value);
  }

  /** A revision is sent once to each friend, so its number is name enough; `part` 0 is the profile itself. */
  #key(revision: number, part: number): Uint8Array {
    const name = utf8(`profile ${revision} ${part}`);
    return copyOf(this.#init.provider.sha256(name), 0, KEY_BYTES);
  }
}

function isDrawable(bytes: Uint8Array): boolean {
  try {
    decodePicture(bytes);
    return true;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}
