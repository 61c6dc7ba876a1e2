/**
 * Shows on a link that was logged in with what an opening has told, and others may know, that both ends have the pair
 * key, as soon as there is one: by a login MAC under it, on this very link. docs/wire.md, "Friends' link".
 *
 * Until the other end has shown it, the link is narrow once we have a pair key: whoever stole the provisional key, and
 * would say "kept" to what it cannot read, gets nothing that would be missed. Before there is a pair key nothing here
 * tells such a thief from the friend.
 */

import type { ContactId } from '../../delivery/face.ts';
import { isLinkLogin, type LinkBinding, linkLogin, type LinkRole } from '../../kem/link-login.ts';
import type { Primitives } from '../../kem/primitives.ts';
import { equal } from '../../safety/bytes.ts';
import type { LinkDelivery } from './face.ts';

export interface LinkProofInit {
  readonly contact: ContactId;
  readonly delivery: Pick<LinkDelivery, 'pairKeys' | 'routeChanged'>;
  readonly primitives: Primitives;
  readonly binding: LinkBinding;
  readonly weDialed: boolean;
  /** Of the login. */
  readonly key: Uint8Array;
  readonly send: (mac: Uint8Array) => void;
  /** The other end has shown it; called once, and never for a link that was logged in under a pair key. */
  readonly onFirm: () => void;
}

export class LinkProof {
  readonly #init: LinkProofInit;
  /** Whether the login has shown all there is. */
  readonly #isDone: boolean;
  #isFirm: boolean;
  /** The key that we showed last. */
  #shown: Uint8Array | null = null;
  /** What they showed last, until we have its key. */
  #theirs: Uint8Array | null = null;

  constructor(init: LinkProofInit) {
    this.#init = init;
    this.#isFirm = this.#keys().some((key) => equal(key, init.key));
    this.#isDone = this.#isFirm;
  }

  /** Whether the other end has a pair key of the contact. */
  get isFirm(): boolean {
    return this.#isFirm;
  }

  /** Whether the other end should have shown a pair key, and has not. */
  get isNarrow(): boolean {
    return !this.#isFirm && this.#keys().length > 0;
  }

  /** There may be a pair key now. */
  look(): void {
    if (this.#isDone) return;
    const { primitives, binding, weDialed, send } = this.#init;
    const [newest] = this.#keys();
    if (newest === undefined) return;
    if (this.#shown === null || !equal(this.#shown, newest)) {
      this.#shown = newest;
      send(linkLogin(primitives.provider, newest, weDialed ? 'dialer' : 'acceptor', binding));
    }
    this.#check();
  }

  /** What the other end shows. */
  came(mac: Uint8Array): void {
    this.#theirs = mac;
    this.#check();
  }

  #check(): void {
    const { contact, delivery, primitives, binding, weDialed, onFirm } = this.#init;
    const theirs = this.#theirs;
    if (theirs === null || this.#isFirm) return;
    const role: LinkRole = weDialed ? 'acceptor' : 'dialer';
    if (!this.#keys().some((key) => isLinkLogin(primitives, key, role, binding, theirs))) return;
    this.#isFirm = true;
    this.#theirs = null;
    onFirm();
    delivery.routeChanged(contact);
  }

  #keys(): readonly Uint8Array[] {
    return this.#init.delivery.pairKeys(this.#init.contact);
  }
}
