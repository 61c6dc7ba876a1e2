/**
 * The initiator of KX1 (kx1.ts): a session to a verified bundle, and the messages that carry the opening until the
 * responder has answered. docs/wire.md, "KX1".
 *
 * Every opening carries the same header and the whole bundle, so any one of them is enough for the responder. The
 * caller commits the session before an opening goes out.
 */

import { concat, wipe } from '../safety/bytes.ts';
import { requireCurrent, type VerifiedBundle } from './bundle.ts';
import { KemError } from './errors.ts';
import type { Identity } from './identity.ts';
import {
  decodeKx1Header,
  deriveSecrets,
  encodeKx1Header,
  OPENING_MESSAGE_BYTES,
  requireBundleOf,
  requireOther,
  transcriptOf,
  wipeSecrets,
} from './kx1.ts';
import type { OneTimePrekeyPublic } from './one-time-prekey.ts';
import type { Prekeys } from './prekeys.ts';
import type { Primitives } from './primitives.ts';
import { encrypt } from './ratchet-encrypt.ts';
import { deriveStreamKeys, type StreamKeys } from './ratchet-keys.ts';
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
  /** 32 bytes, secret: stays with the contact for good. */
  readonly pairKey: Uint8Array;
  /** Of epoch 0: given out this once. */
  readonly streamKeys: StreamKeys;
}

/**
 * Opens a session to the device of a bundle. Throws KemError OWN_FINGERPRINT, BUNDLE_EXPIRED (either side's) or
 * BUNDLE_FROM_FUTURE, WRONG_STATE when the own prekeys are erased, and CryptoError when a key of the bundle is refused.
 */
export function initiate(p: Primitives, init: InitiateInit): Initiated {
  const { provider } = p;
  const { identity, prekeys, peer, oneTimePrekey, now } = init;
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
  const session = openAsInitiator({
    transcript,
    keys: secrets.keys,
    remoteRatchetKey: peer.spk,
    answerSeed: prekeys.secrets.answerSeed,
    opening,
  });
  const streamKeys = deriveStreamKeys(provider, secrets.streamSecret, 0, 'initiator');
  wipeSecrets(secrets);
  return { session, pairKey: secrets.pairKey, streamKeys };
}

export interface EncryptedOpening {
  readonly session: Session;
  /** What goes into a sealed envelope: header and message, 15,119 bytes. */
  readonly plaintext: Uint8Array;
  readonly streamKeys: StreamKeys | null;
}

/**
 * A message of a session that the responder has not answered yet, with at most OPENING_CONTENT_BYTES of content.
 * `ownBundle` is the one of the prekeys that the session was opened with. Throws KemError WRONG_STATE when the session
 * was answered, BUNDLE_MISMATCH on another bundle, CONTENT_TOO_LONG and CHAIN_EXHAUSTED.
 */
export function encryptOpening(
  p: Primitives,
  session: Session,
  ownBundle: Uint8Array,
  content: Uint8Array,
): EncryptedOpening {
  const { opening } = session;
  if (opening === null) {
    throw new KemError('WRONG_STATE', 'this session was answered, so it is opened no more', {
      hint: 'Send an ordinary message of the session.',
    });
  }
  requireBundleOf(p.provider, decodeKx1Header(opening), ownBundle);
  const sent = encrypt(p, session, concat(ownBundle, content), OPENING_MESSAGE_BYTES);
  return {
    session: sent.session,
    plaintext: concat(opening, sent.message),
    streamKeys: sent.streamKeys,
  };
}
