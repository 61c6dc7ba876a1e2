/**
 * libsignal, which the end-to-end rows are compared with: installed on first use into its own folder, because it is
 * AGPL-3.0 and no part of kith. Only its public API is called, as the interfaces below describe it; its own types
 * are not there to check against while it is not installed.
 */

import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withLock } from '../../dev/setup/lock.js';
import { installPackages, packagesAreCurrent } from '../../dev/setup/packages.js';

const FOLDER = fileURLToPath(new URL('comparator/', import.meta.url));
const PACKAGE = '@signalapp/libsignal-client';

export async function loadComparator(progress: (sentence: string) => void): Promise<Libsignal> {
  if (!packagesAreCurrent(FOLDER)) {
    progress(`${PACKAGE} is needed as the comparator: about 150 MB into ${FOLDER}node_modules`);
    await withLock(FOLDER, progress, async () => {
      if (!packagesAreCurrent(FOLDER)) await installPackages(FOLDER, progress);
    });
  }
  const path = createRequire(FOLDER).resolve(PACKAGE);
  return (await import(pathToFileURL(path).href)) as Libsignal;
}

export type Bytes = Uint8Array<ArrayBuffer>;

export interface PublicKey {
  serialize(): Bytes;
  equals(other: PublicKey): boolean;
}

export interface PrivateKey {
  getPublicKey(): PublicKey;
  sign(message: Bytes): Bytes;
}

interface KemPublicKey {
  serialize(): Bytes;
}

interface KemKeyPair {
  getPublicKey(): KemPublicKey;
}

export interface Address {
  name(): string;
}

/** Something that libsignal's stores keep as bytes. */
export interface Stored {
  serialize(): Bytes;
}

interface Kind<R> {
  deserialize(bytes: Bytes): R;
}

/** A value of libsignal that is only handed back to it. */
interface Opaque<Name extends string> {
  readonly _nativeHandle: Name;
}

export type SessionRecord = Stored & Opaque<'session'>;
export type PreKeyRecord = Stored & Opaque<'prekey'> & { publicKey(): PublicKey };
export type SignedPreKeyRecord = Stored &
  Opaque<'signed prekey'> & { publicKey(): PublicKey; signature(): Bytes };
export type KyberPreKeyRecord = Stored &
  Opaque<'kyber prekey'> & { publicKey(): KemPublicKey; signature(): Bytes };
export type PreKeyBundle = Opaque<'bundle'>;

export interface SessionStore {
  saveSession(peer: Address, record: SessionRecord): Promise<void>;
  getSession(peer: Address): Promise<SessionRecord | null>;
  getExistingSessions(peers: readonly Address[]): Promise<SessionRecord[]>;
}

export interface IdentityKeyStore {
  getIdentityKey(): Promise<PrivateKey>;
  getIdentityKeyPair(): Promise<{ readonly publicKey: PublicKey; readonly privateKey: PrivateKey }>;
  getLocalRegistrationId(): Promise<number>;
  /** 0: new or unchanged; 1: replaced. */
  saveIdentity(peer: Address, key: PublicKey): Promise<number>;
  isTrustedIdentity(peer: Address, key: PublicKey, direction: number): Promise<boolean>;
  getIdentity(peer: Address): Promise<PublicKey | null>;
}

export interface PreKeyStore {
  savePreKey(id: number, record: PreKeyRecord): Promise<void>;
  getPreKey(id: number): Promise<PreKeyRecord>;
  removePreKey(id: number): Promise<void>;
}

export interface SignedPreKeyStore {
  saveSignedPreKey(id: number, record: SignedPreKeyRecord): Promise<void>;
  getSignedPreKey(id: number): Promise<SignedPreKeyRecord>;
}

export interface KyberPreKeyStore {
  saveKyberPreKey(id: number, record: KyberPreKeyRecord): Promise<void>;
  getKyberPreKey(id: number): Promise<KyberPreKeyRecord>;
  markKyberPreKeyUsed(id: number, signedPreKeyId: number, baseKey: PublicKey): Promise<void>;
}

export interface Libsignal {
  readonly ProtocolAddress: { readonly new: (name: string, deviceId: number) => Address };
  readonly PrivateKey: { generate(): PrivateKey };
  readonly KEMKeyPair: { generate(): KemKeyPair };
  readonly SessionRecord: Kind<SessionRecord>;
  readonly PreKeyRecord: Kind<PreKeyRecord> & {
    readonly new: (id: number, publicKey: PublicKey, privateKey: PrivateKey) => PreKeyRecord;
  };
  readonly SignedPreKeyRecord: Kind<SignedPreKeyRecord> & {
    readonly new: (
      id: number,
      timestamp: number,
      publicKey: PublicKey,
      privateKey: PrivateKey,
      signature: Bytes,
    ) => SignedPreKeyRecord;
  };
  readonly KyberPreKeyRecord: Kind<KyberPreKeyRecord> & {
    readonly new: (id: number, timestamp: number, keyPair: KemKeyPair, signature: Bytes) => KyberPreKeyRecord;
  };
  readonly PreKeyBundle: {
    readonly new: (
      registrationId: number,
      deviceId: number,
      preKeyId: number,
      preKey: PublicKey,
      signedPreKeyId: number,
      signedPreKey: PublicKey,
      signedPreKeySignature: Bytes,
      identityKey: PublicKey,
      kyberPreKeyId: number,
      kyberPreKey: KemPublicKey,
      kyberPreKeySignature: Bytes,
    ) => PreKeyBundle;
  };
  readonly SignalMessage: Kind<Opaque<'message'>>;
  readonly PreKeySignalMessage: Kind<Opaque<'prekey message'>>;
  processPreKeyBundle(
    bundle: PreKeyBundle,
    peer: Address,
    self: Address,
    sessions: SessionStore,
    identities: IdentityKeyStore,
  ): Promise<void>;
  signalEncrypt(
    content: Bytes,
    peer: Address,
    self: Address,
    sessions: SessionStore,
    identities: IdentityKeyStore,
  ): Promise<Stored>;
  signalDecrypt(
    message: Opaque<'message'>,
    peer: Address,
    self: Address,
    sessions: SessionStore,
    identities: IdentityKeyStore,
  ): Promise<Bytes>;
  signalDecryptPreKey(
    message: Opaque<'prekey message'>,
    peer: Address,
    self: Address,
    sessions: SessionStore,
    identities: IdentityKeyStore,
    preKeys: PreKeyStore,
    signedPreKeys: SignedPreKeyStore,
    kyberPreKeys: KyberPreKeyStore,
  ): Promise<Bytes>;
}
