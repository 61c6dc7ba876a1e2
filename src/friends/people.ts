/** What the friends book shows of its contents, and what it tells when they change. */

import type { ContactId } from '../delivery/face.ts';

/**
 * `requested`: asked by us, not answered. `asking`: asks us. `friend`. `blocked`: refused whatever it sends.
 * Strangers have none.
 */
export type ContactState = 'requested' | 'asking' | 'friend' | 'blocked';

export interface Contact {
  readonly id: ContactId;
  readonly state: ContactState;
  /** Petname: unique in the book. */
  readonly name: string;
  /** What they call themselves in their request or answer; any text. Empty where they have not said. */
  readonly theirName: string;
  /** What they wrote with their request, or we with ours; any text. */
  readonly note: string;
  /** Begin of the state, milliseconds since 1970. */
  readonly since: number;
  /** When a request ends by itself, milliseconds since 1970; null for friends and blocked. */
  readonly expiresAt: number | null;
  /** Of a request: whether it reached the other side (`requested`); always true in the other states. */
  readonly arrived: boolean;
  /** Of a request: the other side will not take it; ask with another invite. */
  readonly refused: boolean;
  /** Safety words were compared. */
  readonly compared: boolean;
}

export interface Invite {
  /** First 16 hex characters of the door's onion key. */
  readonly id: string;
  /** `kith:…` */
  readonly uri: string;
  /** Ed25519 key of the door's onion, 32 bytes. */
  readonly onionKey: Uint8Array;
  readonly public: boolean;
  /** For the owner's eyes. */
  readonly note: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Requests that came through it. */
  readonly used: number;
}

/** What a door is run with. */
export interface DoorPlan {
  /** Ed25519 seed of the onion, 32 bytes. */
  readonly seed: Uint8Array;
  readonly onionKey: Uint8Array;
  readonly public: boolean;
  /** 16 bytes; null at a public door. */
  readonly token: Uint8Array | null;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** How to reach the home of a contact. */
export interface HomeToDial {
  readonly contact: ContactId;
  /** Ed25519 key of their home onion, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** X25519 secret for tor's client authorization there, 32 bytes. */
  readonly clientSecret: Uint8Array;
}

/** An onion that is, or was until lately, the own home, and who may connect. */
export interface OwnHome {
  readonly onionKey: Uint8Array;
  readonly current: boolean;
  /** X25519 public keys, at most 128. */
  readonly clientKeys: readonly Uint8Array[];
}

export type FriendEvent =
  /** A contact is new or has changed. */
  | { readonly kind: 'contact'; readonly contact: Contact }
  /** A contact is gone from the book: drop links, keys and doors to it. */
  | { readonly kind: 'contact-removed'; readonly id: ContactId }
  /** An invite is new or has changed: run doors(). */
  | { readonly kind: 'invite'; readonly invite: Invite }
  | { readonly kind: 'invite-closed'; readonly id: string; readonly onionKey: Uint8Array }
  /** Who may connect to the own homes, or which they are, has changed: look at ownHomes() again. */
  | { readonly kind: 'own-homes' }
  /** Homes of others, or keys to them, have changed: look at homesToDial() again. */
  | { readonly kind: 'homes-to-dial' }
  /** Somebody knows the own home who is no friend any more: make a new one, then rotateHome(). */
  | { readonly kind: 'home-rotation-due' };
