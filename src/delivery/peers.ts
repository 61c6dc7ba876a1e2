/**
 * Whose keys are pinned: the newest bundle of each contact, the device it belongs to, and the pair keys. Table `peer`.
 * A device key other than the pinned one is kept aside until a person confirms it.
 *
 * Owner: Delivery; everything that writes is called inside a transaction.
 */

import { decodeBundle, type VerifiedBundle } from '../kem/bundle.ts';
import { equal } from '../safety/bytes.ts';
import type { Database } from '../store/database.ts';
import type { SealedTable } from '../store/sealed-table.ts';
import { unknownContact } from './errors.ts';
import type { ContactId } from './face.ts';
import { MAX_PAIR_KEYS, WALK_ROWS } from './limits.ts';
import { decodePeer, encodePeer, type PairKey, type Peer } from './peer-row.ts';
import { RowCache } from './row-cache.ts';

export class Peers {
  readonly #rows: SealedTable;
  readonly #cache: RowCache<Peer | null>;

  constructor(database: Database) {
    this.#rows = database.table('peer');
    this.#cache = new RowCache(database);
  }

  get(contact: ContactId): Peer | null {
    return this.#cache.get(contact, () => {
      const row = this.#rows.get(contact);
      return row === null ? null : decodePeer(row.value);
    });
  }

  /** Throws DeliveryError UNKNOWN_CONTACT. */
  require(contact: ContactId): Peer {
    const peer = this.get(contact);
    if (peer === null) throw unknownContact();
    return peer;
  }

  /** Everybody, oldest first. */
  *all(): Generator<ContactId> {
    for (let after = 0; ; ) {
      const rows = this.#rows.page({ after, limit: WALK_ROWS });
      for (const { name } of rows) yield name;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.seq;
    }
  }

  /**
   * Takes a verified bundle of the contact. `changed`: it is of another device than is pinned, and was set aside.
   * `gone`: of another device, and not newer than what is pinned: one that the contact had before, and no change.
   */
  learn(bundle: VerifiedBundle): 'same' | 'newer' | 'changed' | 'gone' {
    const { fingerprint, bytes } = bundle;
    const peer = this.get(fingerprint);
    if (peer === null) {
      this.#put(fingerprint, { bundle: bytes, changedTo: null, pairKeys: [] });
      return 'newer';
    }
    const known = decodeBundle(peer.bundle);
    if (!equal(known.device, bundle.device)) {
      if (bundle.issued <= known.issued) return 'gone';
      if (peer.changedTo === null || decodeBundle(peer.changedTo).issued < bundle.issued) {
        this.#put(fingerprint, { ...peer, changedTo: bytes });
      }
      return 'changed';
    }
    if (bundle.issued <= known.issued) return 'same';
    this.#put(fingerprint, { ...peer, bundle: bytes });
    return 'newer';
  }

  /** Pins the device that was set aside. The pair keys were the other one's, and go. False: there is none. */
  confirm(contact: ContactId): boolean {
    const { changedTo } = this.require(contact);
    if (changedTo === null) return false;
    this.#put(contact, { bundle: changedTo, changedTo: null, pairKeys: [] });
    return true;
  }

  /** Takes ownership of `key`. */
  learnPairKey(contact: ContactId, transcript: Uint8Array, key: Uint8Array): void {
    const peer = this.require(contact);
    const pairKeys = [{ transcript, key }, ...peer.pairKeys].slice(0, MAX_PAIR_KEYS);
    this.#put(contact, { ...peer, pairKeys });
  }

  /** Both have this key: it is the last to go. Who restores one backup again and again has no other. */
  usePairKey(contact: ContactId, key: Uint8Array): void {
    const peer = this.get(contact);
    const at = peer?.pairKeys.findIndex((known) => equal(known.key, key)) ?? -1;
    if (peer === null || at <= 0) return;
    const others = peer.pairKeys.filter((_, i) => i !== at);
    this.#put(contact, { ...peer, pairKeys: [peer.pairKeys[at] as PairKey, ...others] });
  }

  forget(contact: ContactId): void {
    this.#rows.delete(contact);
    this.#cache.drop(contact);
  }

  #put(contact: ContactId, peer: Peer): void {
    this.#rows.put({ name: contact, value: encodePeer(peer), scope: contact, alias: null });
    this.#cache.set(contact, peer);
  }
}
