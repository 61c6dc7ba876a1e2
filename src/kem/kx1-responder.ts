/**
 * The responder of KX1 (kx1.ts): from the plaintext of an envelope to a session with a verified peer. docs/wire.md,
 * "KX1".
 *
 * Nothing is changed here. The caller commits in one transaction: the session, the skipped keys, the replay id, the
 * erasure of the one-time prekey, and what the content leads to. The replay ids of a set of prekeys are kept as long as
 * the set; where they were lost, the set must go too. Everything before the message has opened is done for anybody who
 * knows the bundle: four agreements and a decapsulation.
 */

import { copyOf, equal, wipe } from '../safety/bytes.ts';
import type { X25519KeyPair } from '../safety/crypto/provider.ts';
import { BUNDLE_BYTES, type VerifiedBundle, verifyBundle } from './bundle.ts';
import { KemError } from './errors.ts';
import type { Identity } from './identity.ts';
import {
  bundleMismatch,
  deriveSecrets,
  type Opening,
  requireBundleOf,
  requireOther,
  transcriptOf,
  wipeSecrets,
} from './kx1.ts';
import type { OneTimePrekey } from './one-time-prekey.ts';
import type { Prekeys } from './prekeys.ts';
import type { Primitives } from './primitives.ts';
import { decrypt } from './ratchet-decrypt.ts';
import { deriveEpochKeys, type EpochKeys } from './ratchet-keys.ts';
import { answerFirstEpoch, eraseReplaced, eraseSession, openAsResponder, type Session } from './session.ts';
import type { SkippedChanges, SkippedKeys } from './skipped-keys.ts';

/** The responder's own side. */
export interface ResponderKeys {
  readonly identity: Identity;
  /** All sets that are not erased. */
  readonly prekeys: readonly Prekeys[];
  /** The one-time prekey of this id that was not used yet, or null. */
  readonly oneTimePrekey: (id: number) => OneTimePrekey | null;
  /** Whether this replay id was committed before. */
  readonly isReplayed: (replayId: Uint8Array) => boolean;
}

/** A first contact whose message has opened, before its bundle was looked at: not to be shown or kept. */
export interface UnverifiedContact {
  readonly opening: Opening;
  readonly session: Session;
  /** The bundle and the content behind it. */
  readonly body: Uint8Array;
  readonly epochKeys: EpochKeys;
  /** See Decrypted in ratchet-decrypt.ts. */
  readonly missing: number;
  readonly skipped: SkippedChanges;
  /** Unix seconds at which the own bundle expires. */
  readonly ownExpiry: number;
}

/** An accepted first contact. The initiator is not yet proven: see isProven in session.ts. */
export interface AcceptedContact {
  readonly session: Session;
  readonly peer: VerifiedBundle;
  /** Unix seconds at which the first of the two bundles expires. */
  readonly expiry: number;
  readonly content: Uint8Array;
  /** Of epoch 0: given out this once. */
  readonly epochKeys: EpochKeys;
  /** See Decrypted in ratchet-decrypt.ts. */
  readonly missing: number;
  readonly skipped: SkippedChanges;
  /** To be kept with the session, to recognise the repeated header. */
  readonly openingId: Uint8Array;
  /** To be refused from now on, as long as the prekeys are kept. */
  readonly replayId: Uint8Array;
  /** To be erased; 0: none was used. */
  readonly oneTimePrekeyId: number;
}

const NO_SKIPPED: SkippedKeys = { get: () => null };

/**
 * Accepts a first contact at `now` (milliseconds since 1970). Openings of sessions that exist are not for here: see
 * contact-messages.ts. Throws MalformedError, CryptoError, and KemError OWN_FINGERPRINT, UNKNOWN_PREKEY,
 * UNKNOWN_ONE_TIME_PREKEY, REPLAYED, BUNDLE_MISMATCH, BUNDLE_FORGED, BUNDLE_EXPIRED, BUNDLE_FROM_FUTURE, or what
 * decrypting says.
 */
export function accept(p: Primitives, own: ResponderKeys, opening: Opening, now: number): AcceptedContact {
  const contact = decryptOpening(p, own, opening, now);
  try {
    return verifyInitiator(p, contact, now);
  } catch (error) {
    eraseSession(contact.session);
    wipe(contact.epochKeys.send, contact.epochKeys.receive);
    throw error;
  }
}

/** The first half of {@link accept}: key agreement and the first decryption. */
export function decryptOpening(
  p: Primitives,
  own: ResponderKeys,
  opening: Opening,
  now: number,
): UnverifiedContact {
  const { provider } = p;
  const { header } = opening;
  requireOther(own.identity, opening.fingerprint);
  const prekeys = findPrekeys(own.prekeys, header.prekeyId, now);
  const oneTime = openOneTimePrekey(p, own, header.oneTimePrekeyId);
  if (own.isReplayed(opening.replayId)) {
    throw new KemError('REPLAYED', 'this first contact was accepted before, and its session is gone', {
      hint: 'Drop it; the contact opens a new session when it is really there.',
    });
  }

  const transcript = transcriptOf(provider, opening.headerBytes, {
    initiatorFingerprint: opening.fingerprint,
    responderFingerprint: own.identity.fingerprint,
    responderBundleHash: prekeys.bundleHash,
    oneTimePrekey: oneTime?.publicKey ?? null,
  });
  const agreements = [
    prekeys.spk.agree(header.device),
    own.identity.device.agree(header.ephemeral),
    prekeys.spk.agree(header.ephemeral),
    ...(oneTime === null ? [] : [oneTime.agree(header.ephemeral)]),
    prekeys.kem.decapsulate(header.ciphertext),
  ];
  const secrets = deriveSecrets(provider, transcript, agreements);
  const { spkSecret } = prekeys.secrets;
  const opened = openAsResponder({ transcript, keys: secrets.keys, ratchetSecret: spkSecret });
  // the key pair is imported already
  const fresh: Session = { ...opened, ratchetPair: prekeys.spk };
  try {
    const first = decrypt(p, fresh, opening.message, NO_SKIPPED, now);
    eraseReplaced(fresh, first.session);
    const { session, content: body, missing, skipped } = first;
    const epochKeys = deriveEpochKeys(provider, secrets.epochSecret, 0, 'responder');
    return { opening, session, body, epochKeys, missing, skipped, ownExpiry: prekeys.expiry };
  } catch (error) {
    eraseSession(fresh);
    throw error;
  } finally {
    wipeSecrets(secrets);
  }
}

/** The second half of {@link accept}: the bundle is the header's and is signed; then its answer key is answered. */
export function verifyInitiator(p: Primitives, contact: UnverifiedContact, now: number): AcceptedContact {
  const { header, openingId, replayId } = contact.opening;
  const [bundle, content] = splitBody(p, contact.opening, contact.body);
  const peer = verifyBundle(p.provider, bundle, now, { byMail: true });
  if (
    !equal(peer.ed, header.ed) ||
    !equal(peer.device, header.device) ||
    !equal(peer.dsaHash, header.dsaHash)
  ) {
    throw bundleMismatch();
  }
  return {
    session: answerFirstEpoch(p, contact.session, peer.answer),
    peer,
    expiry: Math.min(contact.ownExpiry, peer.expiry),
    content,
    epochKeys: contact.epochKeys,
    missing: contact.missing,
    skipped: contact.skipped,
    openingId,
    replayId,
    oneTimePrekeyId: header.oneTimePrekeyId,
  };
}

/** Bundle and content of what an opening's message held. Throws KemError BUNDLE_MISMATCH. */
export function splitBody(
  { provider }: Primitives,
  { header }: Opening,
  body: Uint8Array,
): readonly [bundle: Uint8Array, content: Uint8Array] {
  const bundle = body.subarray(0, BUNDLE_BYTES);
  requireBundleOf(provider, header, bundle);
  return [bundle, copyOf(body, BUNDLE_BYTES)];
}

function findPrekeys(sets: readonly Prekeys[], id: number, now: number): Prekeys {
  const prekeys = sets.find((set) => set.id === id && set.isUsable(now));
  if (prekeys !== undefined) return prekeys;
  throw new KemError('UNKNOWN_PREKEY', 'the prekeys that the message was made for are not here', {
    hint: 'They were erased because of their age, or belong to another device; the sender needs a newer bundle.',
  });
}

function openOneTimePrekey({ provider }: Primitives, own: ResponderKeys, id: number): X25519KeyPair | null {
  if (id === 0) return null;
  const oneTime = own.oneTimePrekey(id);
  if (oneTime !== null && oneTime.id === id) return provider.x25519.keyPair(oneTime.secret);
  throw new KemError('UNKNOWN_ONE_TIME_PREKEY', 'the one-time prekey of the invite is not here', {
    hint: 'An invite works once; make a new one.',
  });
}
