/**
 * The state of one KR1 session: a Double Ratchet with header encryption (Signal's spec, revision 3, section 4) and
 * post-quantum epochs (pq-epochs.ts). docs/wire.md, "KR1".
 *
 * A value: encrypting and decrypting return the next one and leave the old as it is, so a refused message changes
 * nothing and the caller commits the new state before it lets go of what came with it. Whoever goes on from a state
 * that was used before (a restored backup) has messages refused, and a new session is needed once a step differs; no
 * key and nonce encrypt two things, see ratchet-encrypt.ts. Sending steps are deferred: see {@link Session.sending}.
 */

import { copyOf, wipe } from '../safety/bytes.ts';
import type { X25519KeyPair } from '../safety/crypto/provider.ts';
import type { Primitives } from './primitives.ts';
import { answerKey, initiatorEpochs, type PqState, responderEpochs } from './pq-epochs.ts';

/** Old receiving chains whose skipped messages can still be read: with the newest 5, to bound what is kept and tried. */
export const MAX_OLD_CHAINS = 4;

/** What first contact agrees on, 32 bytes each. */
export interface SessionKeys {
  readonly rootKey: Uint8Array;
  /** Header key of the initiator's first chain. */
  readonly initiatorHeaderKey: Uint8Array;
  /** Header key of the responder's first chain. */
  readonly responderHeaderKey: Uint8Array;
}

/** What an initiator has to repeat. */
export interface SessionOpening {
  /** The KX1 header, 1,739 bytes. */
  readonly header: Uint8Array;
  /** Unix seconds at which the first of the two bundles expires. */
  readonly expiry: number;
}

export type SessionRole = 'initiator' | 'responder';

export interface SendingChain {
  /** Own ratchet public key, in every header of the chain. */
  readonly ratchetKey: Uint8Array;
  readonly headerKey: Uint8Array;
  readonly chainKey: Uint8Array;
  /** Number of the next message. */
  readonly n: number;
}

export interface ReceivingChain {
  /** Names the chain to {@link SkippedKeys}: counts up from 0 within the session. */
  readonly id: number;
  readonly headerKey: Uint8Array;
  readonly chainKey: Uint8Array;
  /** Number of the next message: one more than the highest that was decrypted. */
  readonly n: number;
}

/** A receiving chain that the peer has left: only skipped keys open its messages. */
export interface OldChain {
  readonly id: number;
  readonly headerKey: Uint8Array;
  /** The epoch that its headers name. */
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Byte strings are 32 bytes each unless told otherwise, and secret but for `transcript`, `opening` and public keys. */
export interface Session {
  readonly role: SessionRole;
  /** Names the session, and is associated data of all its messages. */
  readonly transcript: Uint8Array;
  /** Initiator only: goes with every message until one of the peer was decrypted. */
  readonly opening: SessionOpening | null;
  readonly rootKey: Uint8Array;
  /** Own ratchet secret, until the peer answers it with a receiving step. Null before the first sending step after. */
  readonly ratchetSecret: Uint8Array | null;
  /** Of `ratchetSecret`, where it has been made already: null in a session that was read from a row. */
  readonly ratchetPair: X25519KeyPair | null;
  /** The peer's newest ratchet public key. Null in a responder that has decrypted nothing. */
  readonly remoteRatchetKey: Uint8Array | null;
  /** Null: the next encryption takes a sending step. */
  readonly sending: SendingChain | null;
  /** Messages in the own sending chain before `sending`. */
  readonly previousLength: number;
  readonly nextSendingHeaderKey: Uint8Array;
  readonly nextReceivingHeaderKey: Uint8Array;
  readonly receiving: ReceivingChain | null;
  /** Oldest first, at most {@link MAX_OLD_CHAINS}. */
  readonly oldChains: readonly OldChain[];
  readonly pq: PqState;
  /** The epoch of the newest receiving chain: the peer has its secret. */
  readonly remoteEpoch: number;
}

export interface InitiatorInit {
  readonly transcript: Uint8Array;
  readonly keys: SessionKeys;
  /** The responder's signed prekey, X25519. */
  readonly remoteRatchetKey: Uint8Array;
  /** Seed (64 bytes) of the own answer key that the own bundle signs. */
  readonly answerSeed: Uint8Array;
  readonly opening: SessionOpening;
}

export interface ResponderInit {
  readonly transcript: Uint8Array;
  readonly keys: SessionKeys;
  /** Secret of the signed prekey, X25519. */
  readonly ratchetSecret: Uint8Array;
}

/** The initiator's session. Copies what it is given. */
export function openAsInitiator(init: InitiatorInit): Session {
  return {
    role: 'initiator',
    transcript: copyOf(init.transcript),
    opening: { ...init.opening, header: copyOf(init.opening.header) },
    rootKey: copyOf(init.keys.rootKey),
    ratchetSecret: null,
    ratchetPair: null,
    remoteRatchetKey: copyOf(init.remoteRatchetKey),
    sending: null,
    previousLength: 0,
    nextSendingHeaderKey: copyOf(init.keys.initiatorHeaderKey),
    nextReceivingHeaderKey: copyOf(init.keys.responderHeaderKey),
    receiving: null,
    oldChains: [],
    pq: initiatorEpochs(copyOf(init.answerSeed)),
    remoteEpoch: 0,
  };
}

/** The responder's session, which can only decrypt at first. Copies what it is given. */
export function openAsResponder(init: ResponderInit): Session {
  return {
    role: 'responder',
    transcript: copyOf(init.transcript),
    opening: null,
    rootKey: copyOf(init.keys.rootKey),
    ratchetSecret: copyOf(init.ratchetSecret),
    ratchetPair: null,
    remoteRatchetKey: null,
    sending: null,
    previousLength: 0,
    nextSendingHeaderKey: copyOf(init.keys.responderHeaderKey),
    nextReceivingHeaderKey: copyOf(init.keys.initiatorHeaderKey),
    receiving: null,
    oldChains: [],
    pq: responderEpochs(),
    remoteEpoch: 0,
  };
}

/**
 * The responder's answer to the initiator's ML-KEM-768 key (1,184 bytes), once its bundle has been verified. Only the
 * holder of that key enters epoch 1. Throws CryptoError when the key fails the check of FIPS 203 section 7.2.
 */
export function answerFirstEpoch({ provider }: Primitives, session: Session, key: Uint8Array): Session {
  if (session.role !== 'responder' || session.pq.epoch !== 0) return session;
  const pq = answerKey(provider.mlKem768, session.pq, key);
  return pq === session.pq ? session : { ...session, pq };
}

/** Whether the peer has shown that it holds the keys of its bundle, the post-quantum one included. */
export function isProven(session: Session): boolean {
  return session.role === 'initiator' ? session.opening === null : session.pq.epoch >= 1;
}

/** Best-effort erasure of the secrets of `before` that `after` does not hold: to be called when `after` is committed. */
export function eraseReplaced(before: Session, after: Session): void {
  const kept = new Set(secretsOf(after));
  for (const secret of secretsOf(before)) if (!kept.has(secret)) wipe(secret);
}

/** Best-effort erasure of a session that is over. */
export function eraseSession(session: Session): void {
  wipe(...secretsOf(session));
}

function secretsOf(session: Session): Uint8Array[] {
  const { pq, sending, receiving } = session;
  const secrets = [session.rootKey, session.nextSendingHeaderKey, session.nextReceivingHeaderKey];
  if (session.ratchetSecret !== null) secrets.push(session.ratchetSecret);
  if (sending !== null) secrets.push(sending.headerKey, sending.chainKey);
  if (receiving !== null) secrets.push(receiving.headerKey, receiving.chainKey);
  for (const chain of session.oldChains) secrets.push(chain.headerKey);
  if (pq.mode === 'propose') secrets.push(pq.seed);
  if (pq.mode === 'ready' || pq.mode === 'answer') secrets.push(pq.secret);
  return secrets;
}
