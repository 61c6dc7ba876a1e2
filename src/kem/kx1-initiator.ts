/**
 * The initiator of KX1 (kx1.ts): a session to a verified bundle, and the messages that carry the opening until the
 * responder has answered. docs/wire.md, "KX1".
 *
 * Every opening carries the same header and the whole bundle, so any one of them is enough for the responder. The
 * caller commits the session before an opening goes out.
 */

import { concat, equal, wipe } from '../safety/bytes.ts';
import { requireCurrent, type VerifiedBundle } from './bundle.ts';
import { KemError } from './errors.ts';
import type { Identity } from './identity.ts';
import {
  decodeKx1Header,
  deriveSecrets,
  encodeKx1Header,
  OPENING_MESSAGE_BYTES,
  requireOther,
  transcriptOf,
  wipeSecrets,
} from './kx1.ts';
import type { OneTimePrekeyPublic } from './one-time-prekey.ts';
import { isPrekeyId } from './prekey-id.ts';
import type { Prekeys } from './prekeys.ts';
import { type Primitives, requireTime } from './primitives.ts';
import { encrypt } from './ratchet-encrypt.ts';
import { deriveEpochKeys, type EpochKeys } from './ratchet-keys.ts';
import { openAsInitiator, type Session } from './session.ts';

export interface InitiateInit {
  readonly identity: Identity;
  /** The own newest: its bundle goes along, and its answer key is the one of post-quantum epoch 1. */
  readonly prekeys: Prekeys;
  readonly peer: VerifiedBundle;
  /** From a private invite. */
  readonly oneTimePrekey?: OneTimePrekeyPublic;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** ML-KEM-1024 coins (32 bytes), for known answers only. */
  readonly coins?: Uint8Array;
}

export interface Initiated {
  readonly session: Session;
  readonly peer: VerifiedBundle;
  /** Unix seconds at which the first of the two bundles expires. */
  readonly expiry: number;
  /** Of epoch 0: given out this once. */
  readonly epochKeys: EpochKeys;
}

/**
 * Opens a session to the device of a bundle. Throws KemError OWN_FINGERPRINT, BUNDLE_EXPIRED (either side's) or
 * BUNDLE_FROM_FUTURE, WRONG_STATE when the own prekeys are erased, CryptoError when a key of the bundle is refused, and
 * RangeError on a one-time prekey whose id has no encoding.
 */
export function initiate(p: Primitives, init: InitiateInit): Initiated {
  const { provider } = p;
  const { identity, prekeys, peer, oneTimePrekey, now } = init;
  if (oneTimePrekey !== undefined && !isPrekeyId(oneTimePrekey.id))
    throw new RangeError('one-time prekey id');
  requireOther(identity, peer.fingerprint);
  requireCurrent(peer, now);
  requireCurrent(prekeys, now);
  if (!prekeys.isUsable(now)) {
    throw new KemError('WRONG_STATE', 'the own prekeys are erased', { hint: 'Use the newest prekeys.' });
  }

  const ephemeralSecret = p.random(32);
  const ephemeral = provider.x25519.keyPair(ephemeralSecret);
  wipe(ephemeralSecret);
  const { ciphertext, sharedSecret } = provider.mlKem1024.encapsulate(peer.kem, init.coins);
  const opening = encodeKx1Header({
    prekeyId: peer.prekeyId,
    oneTimePrekeyId: oneTimePrekey?.id ?? 0,
    ed: identity.ed.publicKey,
    device: identity.device.publicKey,
    dsaHash: identity.dsaHash,
    bundleHash: prekeys.bundleHash,
    ephemeral: ephemeral.publicKey,
    ciphertext,
  });
  const transcript = transcriptOf(provider, opening, {
    initiatorFingerprint: identity.fingerprint,
    responderFingerprint: peer.fingerprint,
    responderBundleHash: peer.hash,
    oneTimePrekey: oneTimePrekey?.publicKey ?? null,
  });
  const agreements = [
    identity.device.agree(peer.spk),
    ephemeral.agree(peer.device),
    ephemeral.agree(peer.spk),
    ...(oneTimePrekey === undefined ? [] : [ephemeral.agree(oneTimePrekey.publicKey)]),
    sharedSecret,
  ];
  const secrets = deriveSecrets(provider, transcript, agreements);
  const expiry = Math.min(prekeys.expiry, peer.expiry);
  const session = openAsInitiator({
    transcript,
    keys: secrets.keys,
    remoteRatchetKey: peer.spk,
    answerSeed: prekeys.secrets.answerSeed,
    opening: { header: opening, expiry },
  });
  const epochKeys = deriveEpochKeys(provider, secrets.epochSecret, 0, 'initiator');
  wipeSecrets(secrets);
  return { session, peer, expiry, epochKeys };
}

export interface EncryptedOpening {
  readonly session: Session;
  /** What goes into a sealed envelope: header and message, 15,119 bytes. */
  readonly plaintext: Uint8Array;
  readonly epochKeys: EpochKeys | null;
}

/**
 * A message of a session that the responder has not answered yet, with at most OPENING_CONTENT_BYTES of content. Among
 * `prekeys`, the own sets, is the one that the session was opened with. Throws KemError WRONG_STATE when the session was
 * answered, BUNDLE_EXPIRED when either side's bundle has expired at `now` (milliseconds), BUNDLE_MISMATCH when the set
 * is not there, CONTENT_TOO_LONG and CHAIN_EXHAUSTED.
 */
export function encryptOpening(
  p: Primitives,
  session: Session,
  prekeys: readonly Prekeys[],
  content: Uint8Array,
  now: number,
): EncryptedOpening {
  const { opening } = session;
  if (opening === null) {
    throw new KemError('WRONG_STATE', 'this session was answered, so it is opened no more', {
      hint: 'Send an ordinary message of the session.',
    });
  }
  requireTime(now);
  if (now / 1000 >= opening.expiry) {
    throw new KemError('BUNDLE_EXPIRED', 'this session was opened with a bundle that has expired', {
      hint: 'Nobody has answered it: open a new one with the newest bundles.',
    });
  }
  const named = decodeKx1Header(opening.header).bundleHash;
  const set = prekeys.find(({ bundleHash }) => equal(bundleHash, named));
  if (set === undefined) {
    throw new KemError('BUNDLE_MISMATCH', 'the prekeys that this session was opened with are not there', {
      hint: 'Keep each set until it is to be erased; to go on now, open a new session.',
    });
  }
  const sent = encrypt(p, session, concat(set.secrets.bundle, content), OPENING_MESSAGE_BYTES);
  return {
    session: sent.session,
    plaintext: concat(opening.header, sent.message),
    epochKeys: sent.epochKeys,
  };
}
