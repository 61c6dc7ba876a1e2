/**
 * The tag by which an author knows its own messages again when the other side gives them back after a restore. Made
 * under a secret of 32 random bytes, one for each conversation, that never leaves this store and its backups, so that
 * nobody can make up, change or move to another conversation what we wrote. A conversation that is removed takes its
 * secret with it: what was erased cannot come back. It proves nothing to anybody else, and is not meant to.
 *
 * Not promised: that what comes back is all, or the newest. Who gives it back can keep some of it.
 */

import type { ContactId } from '../delivery/face.ts';
import { copyOf, equal, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { RandomBytes } from '../safety/random.ts';
import {
  encodeChatContent,
  TAG_BYTES,
  tagOf,
  type UntaggedContent,
  withoutTag,
} from '../wire/chat-content.ts';
import type { ChatTables } from './tables.ts';

const LABEL = utf8('kith/1/chat/tag');
const SECRET_BYTES = 32;
const NO_TAG = new Uint8Array(TAG_BYTES);

/** The row of a contact, which holds the secret: 32 bytes, any. Total: throws only MalformedError. */
export function decodeTagSecret(row: Uint8Array): Uint8Array {
  if (row.length !== SECRET_BYTES) throw new MalformedError('chat-own-row', 'not a secret for tags');
  return row;
}

export class OwnTag {
  readonly #tables: ChatTables;
  readonly #provider: Provider;
  readonly #random: RandomBytes;

  constructor(tables: ChatTables, provider: Provider, random: RandomBytes) {
    this.#tables = tables;
    this.#provider = provider;
    this.#random = random;
  }

  /** Makes the secret where there is none. Early, so that it is in every backup from before the first message too. */
  begin(contact: ContactId): Uint8Array {
    const known = this.#secretOf(contact);
    if (known !== null) return known;
    const secret = this.#random(SECRET_BYTES);
    this.#tables.own.put({ name: contact, scope: contact, value: secret });
    return secret;
  }

  /** An own content as it is sent to this contact. */
  encode(contact: ContactId, content: UntaggedContent): Uint8Array<ArrayBuffer> {
    const tag = this.#of(this.begin(contact), contact, encodeChatContent({ ...content, tag: NO_TAG }));
    return encodeChatContent({ ...content, tag });
  }

  /** Whether this store, or one that it was restored from, wrote these bytes to this contact. For bytes that decode. */
  isOurs(contact: ContactId, content: Uint8Array): boolean {
    const secret = this.#secretOf(contact);
    return secret !== null && equal(this.#of(secret, contact, withoutTag(content)), tagOf(content));
  }

  #secretOf(contact: ContactId): Uint8Array | null {
    const row = this.#tables.own.get(contact);
    return row === null ? null : decodeTagSecret(row.value);
  }

  #of(secret: Uint8Array, contact: ContactId, untagged: Uint8Array): Uint8Array<ArrayBuffer> {
    return copyOf(this.#provider.hmacSha256(secret, LABEL, contact, untagged), 0, TAG_BYTES);
  }
}
