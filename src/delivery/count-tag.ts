/**
 * Evidence of how many ciphertexts were made for a contact: a tag goes out with each, the contact keeps that of the
 * highest count and gives it back at the next login. One that is ours proves that some copy of this identity's data has
 * counted so far; without it anybody could talk us into being an old copy. docs/wire.md, "Contents".
 *
 *     secret = HKDF-SHA256(Ed25519 seed of the identity, no salt, "kith/1/delivery/count", 32)
 *     tag    = first 16 bytes of HMAC-SHA256(secret, contact 48 ‖ count 6)
 *
 * The secret comes from the identity, so that restored backups and old copies have it too. Says nothing about when: a
 * contact may give back an older tag, or none.
 */

import { equal, utf8, wipe } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { FieldWriter } from '../wire/fields.ts';
import type { ContactId } from './face.ts';

export const COUNT_TAG_BYTES = 16;

const LABEL = utf8('kith/1/delivery/count');
const NO_SALT = new Uint8Array(0);

export class CountTags {
  readonly #provider: Provider;
  readonly #secret: Uint8Array;

  /** `seed` of the identity, 32 bytes; it may be wiped afterwards. */
  constructor(provider: Provider, seed: Uint8Array) {
    this.#provider = provider;
    this.#secret = provider.hkdfSha256(seed, NO_SALT, LABEL, 32);
  }

  /** Of the ciphertext with this count, below 2^48, for the contact: 16 bytes. */
  of(contact: ContactId, count: number): Uint8Array<ArrayBuffer> {
    const place = new FieldWriter().bytes(contact, 48).u48(count).done();
    const mac = this.#provider.hmacSha256(this.#secret, place);
    const tag = mac.slice(0, COUNT_TAG_BYTES);
    wipe(mac);
    return tag;
  }

  /** Whether a copy of this identity's data has made that many ciphertexts for the contact. Total over `tag`. */
  isOurs(contact: ContactId, count: number, tag: Uint8Array): boolean {
    const expected = this.of(contact, count);
    // of MACs under a key that nobody else has: the time tells nothing about the tag that would be right
    const [ours, theirs] = [expected, tag].map((bytes) => this.#provider.hmacSha256(this.#secret, bytes));
    return equal(ours as Uint8Array, theirs as Uint8Array);
  }
}
