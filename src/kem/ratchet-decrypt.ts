/**
 * Reading one KR1 message: which chain its header belongs to, a receiving step when the peer has taken one, the keys of
 * messages that were skipped, and then the body. Double Ratchet spec, section 4.4 (RatchetDecryptHE). docs/wire.md,
 * "KR1".
 *
 * Nothing is changed before the body has opened and been understood: whatever is refused leaves the session and the
 * skipped keys as they are. So a peer that sends nonsense, a key that ML-KEM refuses among it, loses that message and
 * nothing else. Not hidden from the peer: whether a message was decrypted, once the ratchet answers it.
 */

import { concat, equal, wipe } from '../safety/bytes.ts';
import { CryptoError, type Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import { KemError } from './errors.ts';
import { type Primitives, requireTime } from './primitives.ts';
import { receiveAttachment } from './pq-epochs.ts';
import { type Advance, advance, keptFrom, receivingStep, wrongEpoch } from './ratchet-chains.ts';
import { messageSecrets, type EpochKeys } from './ratchet-keys.ts';
import {
  decodeBody,
  decodeHeader,
  HEAD_BYTES,
  HEADER_NONCE_BYTES,
  MESSAGE_SIZES,
  type RatchetBody,
  type RatchetHeader,
} from './ratchet-message.ts';
import type { OldChain, ReceivingChain, Session } from './session.ts';
import type { SkippedChanges, SkippedKeys } from './skipped-keys.ts';

export interface Decrypted {
  /** To be committed in one transaction with `skipped` and whatever `content` leads to. */
  readonly session: Session;
  readonly content: Uint8Array;
  /**
   * Whether only the peer can have written this message: false for what an initiator wrote before epoch 1, also when it is
   * read later. Whoever stole the responder's prekeys could have written that.
   */
  readonly proven: boolean;
  /**
   * Messages of the peer before this one that have not come, and that no message showed before: they may still come, so
   * this is for telling people about a gap, or asking for it, after a while.
   */
  readonly missing: number;
  readonly skipped: SkippedChanges;
  /** When this message entered a post-quantum epoch: given out this once. */
  readonly epochKeys: EpochKeys | null;
}

/** Where a header belongs: the newest receiving chain, the one after it, or an old one. */
type Place = 'newest' | 'next' | OldChain;

/**
 * Decrypts a message. `now` in milliseconds since 1970. Throws MalformedError (`ratchet-message`, `ratchet-header`,
 * `ratchet-body`), CryptoError, and KemError NOT_FOR_THIS_SESSION, ALREADY_RECEIVED, TOO_FAR_AHEAD or WRONG_EPOCH;
 * RangeError on no time.
 */
export function decrypt(
  p: Primitives,
  session: Session,
  message: Uint8Array,
  skipped: SkippedKeys,
  now: number,
): Decrypted {
  requireTime(now);
  const { provider } = p;
  const opened = openHeader(provider, session, message);
  if (opened === null) throw notForThisSession();
  const header = decodeHeader(opened.header);
  const there = follow(provider, session, header, opened.place, skipped, now);
  const { attachment, content } = openBody(provider, session, message, header, there.messageKey);
  if (there.skipped.used === null) wipe(there.messageKey);
  const pq = receiveAttachment(provider.mlKem768, there.session.pq, attachment);
  // every message of an honest responder carries its answer to the signed key; the key is not kept for one that does not
  if (pq.mode === 'propose' && pq.epoch === 0) throw wrongEpoch();
  return {
    session: { ...there.session, opening: null, pq },
    content,
    proven: session.role === 'initiator' || header.epoch >= 1,
    missing: there.missing,
    skipped: there.skipped,
    epochKeys: there.epochKeys,
  };
}

/** Whether a header key of the session opens the message. Says nothing about its body. */
export function recognises(provider: Provider, session: Session, message: Uint8Array): boolean {
  return MESSAGE_SIZES.includes(message.length) && openHeader(provider, session, message) !== null;
}

/** The plaintext of the header under the key that opens it; null when none does. Throws MalformedError. */
function openHeader(
  { aes256Gcm }: Provider,
  session: Session,
  message: Uint8Array,
): { readonly header: Uint8Array; readonly place: Place } | null {
  if (!MESSAGE_SIZES.includes(message.length)) {
    throw new MalformedError('ratchet-message', 'wrong length', { sizeBytes: message.length });
  }
  const nonce = message.subarray(0, HEADER_NONCE_BYTES);
  const sealed = message.subarray(HEADER_NONCE_BYTES, HEAD_BYTES);
  for (const [key, place] of headerKeys(session)) {
    try {
      return { header: aes256Gcm.open(key, nonce, session.transcript, sealed), place };
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error;
    }
  }
  return null;
}

/** The likeliest first: a peer that has got our newest chain answers with a step. */
function* headerKeys(session: Session): Generator<readonly [Uint8Array, Place]> {
  if (session.ratchetSecret !== null) yield [session.nextReceivingHeaderKey, 'next'];
  if (session.receiving !== null) yield [session.receiving.headerKey, 'newest'];
  for (const chain of session.oldChains.toReversed()) yield [chain.headerKey, chain];
}

/** Goes where the header points. */
function follow(
  provider: Provider,
  session: Session,
  header: RatchetHeader,
  place: Place,
  skipped: SkippedKeys,
  now: number,
): Advance {
  if (place === 'next') {
    return receivingStep(provider, session, session.ratchetSecret as Uint8Array, header, now);
  }
  // the epoch changes with a step only
  const newest = session.receiving as ReceivingChain;
  const chain = place === 'newest' ? newest : place;
  if (header.epoch !== (place === 'newest' ? session.remoteEpoch : place.epoch)) throw wrongEpoch();
  if (place === 'newest' && header.n >= newest.n) return advance(provider, session, newest, header, now);
  const isDropped = place === 'newest' && header.n < keptFrom(newest.n - 1);
  const kept = isDropped ? null : skipped.get(chain.id, header.n);
  if (kept === null || kept.expiresAt <= now) throw alreadyReceived();
  const used = { chain: chain.id, n: header.n };
  return {
    session,
    messageKey: kept.key,
    missing: 0,
    skipped: { droppedChains: [], droppedBelow: null, used, added: [] },
    epochKeys: null,
  };
}

/** Throws CryptoError, and MalformedError also for a header nonce that is not the one which the key gives. */
function openBody(
  provider: Provider,
  { transcript }: Session,
  message: Uint8Array,
  { salt }: RatchetHeader,
  messageKey: Uint8Array,
): RatchetBody {
  const { key, nonce, headerNonce } = messageSecrets(provider, messageKey, salt);
  const head = message.subarray(0, HEAD_BYTES);
  const body = provider.aes256Gcm.open(key, nonce, concat(transcript, head), message.subarray(HEAD_BYTES));
  wipe(key);
  if (!equal(headerNonce, head.subarray(0, HEADER_NONCE_BYTES))) {
    throw new MalformedError('ratchet-message', 'the header nonce was chosen freely');
  }
  const decoded = decodeBody(body);
  wipe(body);
  return decoded;
}

function notForThisSession(): KemError {
  return new KemError('NOT_FOR_THIS_SESSION', 'no header key of this session opens the message', {
    hint: 'Try the other sessions; if none knows it, it is damaged or from a session that is over.',
  });
}

function alreadyReceived(): KemError {
  return new KemError('ALREADY_RECEIVED', 'the key of this message was used or dropped', {
    hint: 'A repeated message is dropped; one that came too late has to be sent again.',
  });
}
