/**
 * kith/kem: end-to-end sessions between people, for any app that can carry 4 to 16 KB from one to the other, in any
 * order, late, twice or not at all. Pure: a provider (`kith/provider/node` or `kith/provider/noble`), randomness and the
 * time are handed in, and every call returns the next state for the app to commit.
 *
 * - {@link Identity}, {@link generatePrekeys}, {@link verifyBundle}: who somebody is, and what they publish.
 * - {@link initiate} or {@link receiveOpening}: first contact (KX1), inside {@link sealEnvelope} (SE1).
 * - {@link encryptUnder}, {@link receiveMessage}: the ratchet (KR1), by the rules for several sessions of one contact.
 * - {@link accept}, {@link encrypt}, {@link decrypt}: one session alone, for who has rules of their own.
 *
 * Formats: docs/wire.md. What it protects and what not: docs/threat-model.md. A worked example: docs/embed.md.
 */

export {
  BUNDLE_BYTES,
  BUNDLE_LIFE_SECONDS,
  type Bundle,
  decodeBundle,
  MAIL_TTL_SECONDS,
  type VerifiedBundle,
  verifyBundle,
  type VerifyOptions,
} from './bundle.ts';
export {
  encryptUnder,
  receiveMessage,
  receiveOpening,
  type Received,
  type Sending,
  type Sent,
  type SkippedOf,
} from './contact-messages.ts';
export { decodeContact, encodeContact } from './contact-codec.ts';
export { eraseReplacedSessions, sessionsGone } from './contact-commit.ts';
export {
  allSessions,
  type ContactSession,
  type ContactSessions,
  type Contest,
  findSession,
  NO_SESSIONS,
  repliesOwed,
} from './contact.ts';
export { withOpened, withoutExpired } from './contact-sessions.ts';
export { KemError, type KemErrorCode } from './errors.ts';
export {
  decodeIdentity,
  encodeIdentity,
  FINGERPRINT_BYTES,
  fingerprintOf,
  generateIdentity,
  Identity,
  IDENTITY_BYTES,
  type IdentitySecrets,
  wipeIdentity,
} from './identity.ts';
export {
  type EncryptedOpening,
  encryptOpening,
  type InitiateInit,
  type Initiated,
  initiate,
} from './kx1-initiator.ts';
export { accept, type AcceptedContact, type ResponderKeys } from './kx1-responder.ts';
export { OPENING_CONTENT_BYTES, type Opening, readOpening } from './kx1.ts';
export { isLinkLogin, LINK_LOGIN_BYTES, linkLogin, type LinkBinding, type LinkRole } from './link-login.ts';
export {
  generateOneTimePrekey,
  type OneTimePrekey,
  type OneTimePrekeyPublic,
  publicOneTimePrekey,
} from './one-time-prekey.ts';
export {
  decodePrekeys,
  encodePrekeys,
  erasureDue,
  generatePrekeys,
  Prekeys,
  PREKEYS_BYTES,
  type PrekeySecrets,
  rotationDue,
} from './prekeys.ts';
export type { Primitives } from './primitives.ts';
export { decrypt, type Decrypted, recognises } from './ratchet-decrypt.ts';
export { encrypt, type Encrypted } from './ratchet-encrypt.ts';
export type { EpochKeys } from './ratchet-keys.ts';
export { contentCapacity, MESSAGE_SIZES } from './ratchet-message.ts';
export {
  ENVELOPE_BYTES,
  ENVELOPE_PLAINTEXT_BYTES,
  type EnvelopeRecipient,
  openEnvelope,
  sealEnvelope,
} from './sealed-envelope.ts';
export { decodeSession, encodeSession, MAX_SESSION_BYTES } from './session-codec.ts';
export { eraseReplaced, eraseSession, isProven, type Session } from './session.ts';
export {
  type SkippedChanges,
  type SkippedKey,
  SkippedKeyMap,
  type SkippedKeyRow,
  type SkippedKeys,
} from './skipped-keys.ts';
export { CryptoError, type Provider } from '../safety/crypto/provider.ts';
export { KithError, MalformedError } from '../safety/errors.ts';
export type { RandomBytes } from '../safety/random.ts';
