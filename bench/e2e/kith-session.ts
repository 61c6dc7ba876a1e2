/** One side of a KR1 session between two calls: encoded bytes, and the skipped keys beside them. */

import type { Primitives } from '../../src/kem/primitives.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { eraseReplaced, eraseSession, type Session } from '../../src/kem/session.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { BOX_PAYLOAD_BYTES } from '../../src/wire/parcel.ts';

export class StoredSession {
  readonly #p: Primitives;
  readonly #skipped = new SkippedKeyMap();
  #bytes: Uint8Array;

  /** Encodes the session and erases it. */
  constructor(p: Primitives, session: Session) {
    this.#p = p;
    this.#bytes = encodeSession(session);
    eraseSession(session);
  }

  get size(): number {
    return this.#bytes.length;
  }

  send(content: Uint8Array): Uint8Array {
    const before = decodeSession(this.#bytes);
    const { session, message } = encrypt(this.#p, before, content, BOX_PAYLOAD_BYTES);
    this.#commit(before, session);
    return message;
  }

  receive(message: Uint8Array): Uint8Array {
    const before = decodeSession(this.#bytes);
    const { session, content, skipped } = decrypt(this.#p, before, message, this.#skipped, Date.now());
    this.#skipped.apply(skipped);
    this.#commit(before, session);
    return content;
  }

  /** What an application does at each step: saves the state, and erases what it has in memory of both. */
  #commit(before: Session, after: Session): void {
    this.#bytes = encodeSession(after);
    eraseReplaced(before, after);
    eraseSession(after);
  }
}
