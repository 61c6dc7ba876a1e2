/** What the chat needs of those it writes through; `Delivery` fits as it is. */

import type { ContactId } from '../delivery/face.ts';

/** A content that has not been acknowledged. */
export interface Waiting {
  readonly key: Uint8Array;
  readonly state: 'saved' | 'sent';
  readonly since: number;
  readonly attempts: number;
  /** `refused`: the other side will not have it. Others are for a person. */
  readonly cause: string | null;
}

export interface Outbox {
  /** In the transaction of the caller. The same key replaces a content that is still `saved`. */
  enqueue(contact: ContactId, item: { readonly key: Uint8Array; readonly content: Uint8Array }): void;
  /** False when it was sent already, or is not there. */
  withdraw(contact: ContactId, key: Uint8Array): boolean;
  /** Whether a content under that key waits or is on its way. Cheap. */
  has(contact: ContactId, key: Uint8Array): boolean;
  /** All of it: for a person. */
  outbox(contact: ContactId): readonly Waiting[];
}

/** How a contact stands to be reached. */
export interface Reach {
  readonly connected: boolean;
  readonly lastReachedAt: number | null;
  readonly nextTryAt: number | null;
}
