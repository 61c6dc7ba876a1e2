/**
 * The stores that libsignal asks its caller for, in memory: sessions and prekeys as serialised records in a Map, as its
 * API has them saved and read at every call; keys of identities as the objects that its API hands over.
 */

import type {
  Address,
  Bytes,
  IdentityKeyStore,
  KyberPreKeyRecord,
  KyberPreKeyStore,
  Libsignal,
  PreKeyRecord,
  PreKeyStore,
  PrivateKey,
  PublicKey,
  SessionRecord,
  SessionStore,
  SignedPreKeyRecord,
  SignedPreKeyStore,
  Stored,
} from './comparator.ts';

export interface Stores {
  readonly sessions: MemorySessions;
  readonly identities: IdentityKeyStore;
  readonly preKeys: PreKeyStore;
  readonly signedPreKeys: SignedPreKeyStore;
  readonly kyberPreKeys: KyberPreKeyStore;
}

export function memoryStores(libsignal: Libsignal, identityKey: PrivateKey, registrationId: number): Stores {
  const preKeys = new Records<PreKeyRecord>(libsignal.PreKeyRecord);
  const signedPreKeys = new Records<SignedPreKeyRecord>(libsignal.SignedPreKeyRecord);
  const kyberPreKeys = new Records<KyberPreKeyRecord>(libsignal.KyberPreKeyRecord);
  const baseKeysSeen = new Set<string>();
  return {
    sessions: new MemorySessions(libsignal),
    identities: memoryIdentities(identityKey, registrationId),
    preKeys: {
      savePreKey: async (id, record) => preKeys.save(id, record),
      getPreKey: async (id) => preKeys.get(id),
      removePreKey: async (id) => preKeys.remove(id),
    },
    signedPreKeys: {
      saveSignedPreKey: async (id, record) => signedPreKeys.save(id, record),
      getSignedPreKey: async (id) => signedPreKeys.get(id),
    },
    kyberPreKeys: {
      saveKyberPreKey: async (id, record) => kyberPreKeys.save(id, record),
      getKyberPreKey: async (id) => kyberPreKeys.get(id),
      markKyberPreKeyUsed: async (id, signedPreKeyId, baseKey) => {
        const use = `${id}/${signedPreKeyId}/${Buffer.from(baseKey.serialize()).toString('hex')}`;
        if (baseKeysSeen.has(use)) throw new Error('a prekey message was replayed');
        baseKeysSeen.add(use);
      },
    },
  };
}

class MemorySessions implements SessionStore {
  readonly #libsignal: Libsignal;
  readonly #records = new Map<string, Bytes>();

  constructor(libsignal: Libsignal) {
    this.#libsignal = libsignal;
  }

  async saveSession(peer: Address, record: SessionRecord): Promise<void> {
    this.#records.set(peer.name(), record.serialize());
  }

  async getSession(peer: Address): Promise<SessionRecord | null> {
    const bytes = this.#records.get(peer.name());
    return bytes === undefined ? null : this.#libsignal.SessionRecord.deserialize(bytes);
  }

  async getExistingSessions(peers: readonly Address[]): Promise<SessionRecord[]> {
    const records = await Promise.all(peers.map((peer) => this.getSession(peer)));
    return records.map((record) => {
      if (record === null) throw new Error('no such session');
      return record;
    });
  }

  forget(peer: Address): void {
    this.#records.delete(peer.name());
  }

  /** Bytes that are kept for one peer. */
  sizeOf(peer: Address): number {
    return this.#records.get(peer.name())?.length ?? 0;
  }
}

class Records<R extends Stored> {
  readonly #kind: { deserialize(bytes: Bytes): R };
  readonly #records = new Map<number, Bytes>();

  constructor(kind: { deserialize(bytes: Bytes): R }) {
    this.#kind = kind;
  }

  save(id: number, record: R): void {
    this.#records.set(id, record.serialize());
  }

  get(id: number): R {
    const bytes = this.#records.get(id);
    if (bytes === undefined) throw new Error('no such prekey');
    return this.#kind.deserialize(bytes);
  }

  remove(id: number): void {
    this.#records.delete(id);
  }
}

/** Trusts a peer's key at first sight, and then no other. */
function memoryIdentities(privateKey: PrivateKey, registrationId: number): IdentityKeyStore {
  const publicKey = privateKey.getPublicKey();
  const known = new Map<string, PublicKey>();
  return {
    getIdentityKey: async () => privateKey,
    getIdentityKeyPair: async () => ({ publicKey, privateKey }),
    getLocalRegistrationId: async () => registrationId,
    saveIdentity: async (peer, key) => {
      const before = known.get(peer.name());
      known.set(peer.name(), key);
      return before === undefined || before.equals(key) ? 0 : 1;
    },
    isTrustedIdentity: async (peer, key) => known.get(peer.name())?.equals(key) ?? true,
    getIdentity: async (peer) => known.get(peer.name()) ?? null,
  };
}
