/** What delivery shares with those it carries for (the domains above) and those that carry for it (the routes). */

/** Fingerprint of an identity, 48 bytes: the name of a contact everywhere. Compare with `equal`, key maps by hex. */
export type ContactId = Uint8Array;

/** One ciphertext as it travels. `opening`: a sealed envelope (16,256 bytes); else a message of MESSAGE_SIZES. */
export interface Carried {
  readonly form: 'opening' | 'message';
  readonly bytes: Uint8Array;
  /**
   * One more with each ciphertext that the sender makes for this contact, from the time of day on: below 2^48. Who is told a higher
   * one of its own than it knows, with the tag of it, has been rolled back.
   */
  readonly count: number;
  /** The sender's evidence of the count, 16 bytes, which only it can check (count-tag.ts): to be given back to it. */
  readonly tag: Uint8Array;
}

/**
 * What became of it at the other side. `kept`: durable there (or was before). `unknown-session`: it has none that
 * reads this. `busy`: not now (full, stopping). `refused`: never.
 */
export type Verdict = 'kept' | 'unknown-session' | 'busy' | 'refused';

/** A way to one contact that is open now: a link, a door. */
export interface Route {
  readonly contact: ContactId;
  /**
   * Whether the other end may be somebody else than the contact: it has shown less than what the contact must have by
   * now. Only what may be lost goes over such a way: openings and replies without content. May change while it is open.
   */
  readonly isNarrow?: boolean;
  /** Whether the other end has shown what only the contact has. */
  readonly isFirm?: boolean;
  /** Resolves with the other side's verdict; rejects when the way is lost, and then nothing is known. */
  send(carried: Carried, signal: AbortSignal): Promise<Verdict>;
}

/** A content that was decrypted, inside the transaction that keeps it. */
export interface Arrived {
  readonly contact: ContactId;
  /** At least one byte; the first is its kind (wire/content-kind.ts). */
  readonly content: Uint8Array;
  /** Only the contact can have written it (post-quantum epoch 1 is through). */
  readonly proven: boolean;
  /** Which one-time prekey its opening used, if any. */
  readonly oneTimePrekeyId: number | null;
  /** Where it came from: a link of this very contact, or a door, where anybody may knock. */
  readonly via: Via;
}

/** `door`: `invite` is the 32-byte public key of the door's onion. */
export type Via = { readonly kind: 'link' } | { readonly kind: 'door'; readonly invite: Uint8Array };

/**
 * Called inside the transaction, synchronously: what it writes is kept with the ratchet's state or not at all. Throws
 * to refuse: then everything is as before, and the sender hears `refused`, or `busy` for a {@link NotNow}.
 */
export type Apply = (arrived: Arrived) => void;

/** Thrown by {@link Apply}: the sender should try again later. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
}
