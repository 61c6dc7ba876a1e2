/**
 * The tag by which an author knows its own messages again when the other side gives them back after a restore. Made
 * under a secret of 32 random bytes that never leaves this store and its backups, so that nobody can make up, change or
 * move to another conversation what we wrote. It proves nothing to anybody else, and is not meant to.
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
const NAME = utf8('tag');
const SECRET_BYTES = 32;
const NO_TAG = new Uint8Array(TAG_BYTES);

/** The row that holds the secret: 32 bytes, any. Total: throws only MalformedError. */
export function decodeTagSecret(row: Uint8Array): Uint8Array {
  if (row.length !== SECRET_BYTES) throw new MalformedError('chat-own-row', 'not a secret for tags');
  return row;
}

export class OwnTag {
  readonly #provider: Provider;
  readonly #secret: Uint8Array;

  /** Makes the secret the first time. */
  constructor(tables: ChatTables, provider: Provider, random: RandomBytes) {
    this.#provider = provider;
    this.#secret = tables.database.transaction(() => {
      const known = tables.own.get(NAME);
      if (known !== null) return decodeTagSecret(known.value);
      const secret = random(SECRET_BYTES);
      tables.own.put({ name: NAME, value: secret });
      return secret;
    });
  }

  /** An own content as it is sent to this contact. */
  encode(contact: ContactId, content: UntaggedContent): Uint8Array<ArrayBuffer> {
    const tag = this.#of(contact, encodeChatContent({ ...content, tag: NO_TAG }));
    return encodeChatContent({ ...content, tag });
  }

  /** Whether this store, or one that it was restored from, wrote these bytes to this contact. For bytes that decode. */
  isOurs(contact: ContactId, content: Uint8Array): boolean {
    return equal(this.#of(contact, withoutTag(content)), tagOf(content));
  }

  #of(contact: ContactId, untagged: Uint8Array): Uint8Array<ArrayBuffer> {
    return copyOf(this.#provider.hmacSha256(this.#secret, LABEL, contact, untagged), 0, TAG_BYTES);
  }
}
