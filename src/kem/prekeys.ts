/**
 * The private halves of a bundle, and when they are replaced and erased. docs/wire.md, "Prekeys".
 *
 *     version 1 ‖ spk secret 32 ‖ ML-KEM-1024 seed 64 ‖ answer seed 64 ‖ inbox seed 32 ‖ bundle 9,428
 *
 * A new set every 7 days; a set is public for at most 30 days and kept 14 more for mail that lies that long; then it is
 * erased, and whoever copies the device later opens nothing that was sent to it. After a restore from a backup all sets
 * must go, because which first contacts they have accepted is no longer known. Erasure is best effort.
 */

import { concat, copyOf, wipe } from '../safety/bytes.ts';
import type { KemKeyPair, Provider, X25519KeyPair } from '../safety/crypto/provider.ts';
import { requireSize } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import {
  BUNDLE_BYTES,
  BUNDLE_LIFE_SECONDS,
  type Bundle,
  bundleHash,
  decodeBundle,
  MAIL_TTL_SECONDS,
  MAX_CLOCK_SKEW_SECONDS,
  signBundle,
} from './bundle.ts';
import { KemError } from './errors.ts';
import type { Identity } from './identity.ts';
import { newPrekeyId } from './prekey-id.ts';
import { type Primitives, requireTime } from './primitives.ts';

/** A theft of prekeys endangers first contacts of about this long: a week, as others do, at little cost. */
const ROTATE_AFTER_SECONDS = 7 * 24 * 60 * 60;

const VERSION = 1;
const SPK_SECRET_BYTES = 32;
const KEM_SEED_BYTES = 64;
const ANSWER_SEED_BYTES = 64;
const INBOX_SEED_BYTES = 32;
const KEM_SEED_AT = 1 + SPK_SECRET_BYTES;
const ANSWER_SEED_AT = KEM_SEED_AT + KEM_SEED_BYTES;
const INBOX_SEED_AT = ANSWER_SEED_AT + ANSWER_SEED_BYTES;
const BUNDLE_AT = INBOX_SEED_AT + INBOX_SEED_BYTES;

/** Size of encoded prekeys: always this. */
export const PREKEYS_BYTES = BUNDLE_AT + BUNDLE_BYTES;

/** What is on disk, sealed there by the store. */
export interface PrekeySecrets {
  /** Secret of the signed prekey, X25519, 32 bytes. */
  readonly spkSecret: Uint8Array;
  /** ML-KEM-1024 seed, 64 bytes. */
  readonly kemSeed: Uint8Array;
  /** ML-KEM-768 seed of the answer key, 64 bytes. */
  readonly answerSeed: Uint8Array;
  /** X-Wing seed of the inbox key, 32 bytes. */
  readonly inboxSeed: Uint8Array;
  /** The bundle that was signed over the public halves. */
  readonly bundle: Uint8Array;
}

/** {@link PREKEYS_BYTES} secret bytes. Throws RangeError or MalformedError on parts that have no encoding, or are erased. */
export function encodePrekeys(secrets: PrekeySecrets): Uint8Array<ArrayBuffer> {
  requireSize('prekey secret', secrets.spkSecret, SPK_SECRET_BYTES);
  requireSize('ML-KEM-1024 seed', secrets.kemSeed, KEM_SEED_BYTES);
  requireSize('answer seed', secrets.answerSeed, ANSWER_SEED_BYTES);
  requireSize('inbox seed', secrets.inboxSeed, INBOX_SEED_BYTES);
  decodeBundle(secrets.bundle);
  const { spkSecret, kemSeed, answerSeed, inboxSeed, bundle } = secrets;
  if ([spkSecret, kemSeed, answerSeed, inboxSeed].some(isErased)) throw new RangeError('erased prekeys');
  return concat(Uint8Array.of(VERSION), spkSecret, kemSeed, answerSeed, inboxSeed, bundle);
}

/** Total: throws only {@link MalformedError}. The parts are copies. That seeds and bundle belong together is not checked. */
export function decodePrekeys(bytes: Uint8Array): PrekeySecrets {
  if (bytes.length !== PREKEYS_BYTES) throw new MalformedError('prekeys', 'wrong length');
  if (bytes[0] !== VERSION) throw new MalformedError('prekeys', 'unknown version');
  const bundle = copyOf(bytes, BUNDLE_AT);
  decodeBundle(bundle);
  const secrets = {
    spkSecret: copyOf(bytes, 1, KEM_SEED_AT),
    kemSeed: copyOf(bytes, KEM_SEED_AT, ANSWER_SEED_AT),
    answerSeed: copyOf(bytes, ANSWER_SEED_AT, INBOX_SEED_AT),
    inboxSeed: copyOf(bytes, INBOX_SEED_AT, BUNDLE_AT),
  };
  if (Object.values(secrets).some(isErased)) throw new MalformedError('prekeys', 'erased');
  return { ...secrets, bundle };
}

/** All zeros: what {@link Prekeys.erase} leaves, from which anybody could make the key pair. */
function isErased(secret: Uint8Array): boolean {
  return secret.every((byte) => byte === 0);
}

/** One set of prekeys with its key pairs, each made when first needed: importing keys costs more than using them. */
export class Prekeys {
  readonly secrets: PrekeySecrets;
  /** Hash of the bundle, 32 bytes. */
  readonly bundleHash: Uint8Array;
  readonly #provider: Provider;
  readonly #bundle: Bundle;
  #erased = false;
  #spk: X25519KeyPair | undefined;
  #kem: KemKeyPair | undefined;
  #inbox: KemKeyPair | undefined;

  /** Takes ownership of `secrets`. Throws MalformedError when its bundle is none. */
  constructor(provider: Provider, secrets: PrekeySecrets) {
    this.#provider = provider;
    this.secrets = secrets;
    this.#bundle = decodeBundle(secrets.bundle);
    this.bundleHash = bundleHash(provider, secrets.bundle);
  }

  /** The prekey id that the bundle names. */
  get id(): number {
    return this.#bundle.prekeyId;
  }

  /** Unix seconds. */
  get issued(): number {
    return this.#bundle.issued;
  }

  /** Unix seconds. */
  get expiry(): number {
    return this.#bundle.expiry;
  }

  /** The signed prekey. This and the other pairs throw KemError WRONG_STATE once erased. */
  get spk(): X25519KeyPair {
    this.#requireKept();
    this.#spk ??= this.#provider.x25519.keyPair(this.secrets.spkSecret);
    return this.#spk;
  }

  /** The ML-KEM-1024 prekey. */
  get kem(): KemKeyPair {
    this.#requireKept();
    this.#kem ??= this.#provider.mlKem1024.keyPair(this.secrets.kemSeed);
    return this.#kem;
  }

  /** The X-Wing inbox key. */
  get inbox(): KemKeyPair {
    this.#requireKept();
    this.#inbox ??= this.#provider.xWing.keyPair(this.secrets.inboxSeed);
    return this.#inbox;
  }

  /** Whether the private halves may still be used at `now` (milliseconds since 1970). Throws RangeError on no time. */
  isUsable(now: number): boolean {
    return !erasureDue(this, now) && !this.#erased;
  }

  /** Best-effort erasure of the private halves; they open nothing any more. */
  erase(): void {
    const { spkSecret, kemSeed, answerSeed, inboxSeed } = this.secrets;
    wipe(spkSecret, kemSeed, answerSeed, inboxSeed);
    this.#erased = true;
    this.#spk = undefined;
    this.#kem = undefined;
    this.#inbox = undefined;
  }

  #requireKept(): void {
    if (!this.#erased) return;
    throw new KemError('WRONG_STATE', 'these prekeys are erased', { hint: 'Use those that isUsable says.' });
  }
}

/** A new set, signed by the identity, issued at `now` (milliseconds since 1970), with an id that is not of `kept`. */
export function generatePrekeys(
  { provider, random }: Primitives,
  identity: Identity,
  kept: readonly Prekeys[],
  now: number,
): Prekeys {
  const spkSecret = random(SPK_SECRET_BYTES);
  const kemSeed = random(KEM_SEED_BYTES);
  const answerSeed = random(ANSWER_SEED_BYTES);
  const inboxSeed = random(INBOX_SEED_BYTES);
  const issued = Math.floor(now / 1000);
  const bundle = signBundle(identity, {
    prekeyId: newPrekeyId(
      random,
      kept.map(({ id }) => id),
    ),
    issued,
    expiry: issued + BUNDLE_LIFE_SECONDS,
    spk: provider.x25519.keyPair(spkSecret).publicKey,
    kem: provider.mlKem1024.keyPair(kemSeed).publicKey,
    answer: provider.mlKem768.keyPair(answerSeed).publicKey,
    inbox: provider.xWing.keyPair(inboxSeed).publicKey,
  });
  return new Prekeys(provider, { spkSecret, kemSeed, answerSeed, inboxSeed, bundle });
}

/**
 * Whether a new set is to be published at `now` (milliseconds): the newest is a week old, or of a wrong clock's future.
 * Throws RangeError on no time.
 */
export function rotationDue(newest: Pick<Bundle, 'issued'> | undefined, now: number): boolean {
  requireTime(now);
  if (newest === undefined) return true;
  const age = now / 1000 - newest.issued;
  return age >= ROTATE_AFTER_SECONDS || age < -MAX_CLOCK_SKEW_SECONDS;
}

/**
 * Whether the private halves are to be erased at `now` (milliseconds): expired, and no mail to them can be left. Throws
 * RangeError on no time.
 */
export function erasureDue({ expiry }: Pick<Bundle, 'expiry'>, now: number): boolean {
  requireTime(now);
  return now / 1000 >= expiry + MAIL_TTL_SECONDS;
}
