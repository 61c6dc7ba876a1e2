/**
 * libsignal as its API is meant to be used: messages and records are bytes between any two calls. Its bundles are
 * handed over as the objects its API takes, so reading their keys from bytes is not counted.
 */

import { randomUUID } from 'node:crypto';
import type { Address, Bytes, Libsignal, PreKeyBundle } from './comparator.ts';
import {
  type Contender,
  contentOf,
  cpuUs,
  INITIATORS,
  type OneWay,
  type Opening,
  pairings,
  requireContent,
  RESPONDERS,
  type Sizes,
} from './contender.ts';
import { memoryStores, type Stores } from './libsignal-stores.ts';

const DEVICE = 1;
const SIGNED_PREKEY_ID = 1;
const KYBER_PREKEY_ID = 1;
export async function libsignalContender(libsignal: Libsignal): Promise<Contender> {
  const parties = (length: number) => Promise.all(Array.from({ length }, () => Party.create(libsignal)));
  const [initiators, responders] = [await parties(INITIATORS), await parties(RESPONDERS)];
  const [alice, bob] = [await Party.create(libsignal), await Party.create(libsignal)];
  requireContent(0, await bob.accept(await alice.initiate(await bob.bundle(1), bob, contentOf(0)), alice));
  const there = (index: number) => alice.send(contentOf(index), bob);
  const back = (index: number) => bob.send(contentOf(index), alice);
  requireContent(0, await alice.receive(await back(0), bob)); // from now on there are messages of one kind only
  return {
    open: () => open(pairings(initiators, responders)),
    async pingPong(count) {
      let last: Bytes | undefined;
      const us = await cpuUs(count, async (index) => {
        await bob.receive(await there(index), alice);
        last = await alice.receive(await back(index), bob);
      });
      requireContent(count - 1, last);
      return us / 2;
    },
    async oneWay(count): Promise<OneWay> {
      await alice.receive(await back(0), bob);
      await bob.receive(await there(0), alice);
      const messages: Bytes[] = [];
      const encrypt = await cpuUs(count, async (index) => void messages.push(await there(index)));
      let last: Bytes | undefined;
      const decrypt = await cpuUs(count, async (index) => {
        last = await bob.receive(messages[index] as Bytes, alice);
      });
      requireContent(count - 1, last);
      return { encrypt, decrypt };
    },
    async sizes(count): Promise<Sizes> {
      let [session, message] = [0, 0];
      for (let i = 0; i < count; i++) {
        const outbound = await there(i);
        await bob.receive(outbound, alice);
        const inbound = await back(i);
        await alice.receive(inbound, bob);
        session += alice.sessionBytes(bob) + bob.sessionBytes(alice);
        message += outbound.length + inbound.length;
      }
      return { session: session / count / 2, message: message / count / 2 };
    },
  };
}

async function open(pairs: readonly (readonly [Party, Party])[]): Promise<Opening> {
  const bundles: PreKeyBundle[] = [];
  for (const [i, [initiator, responder]] of pairs.entries()) {
    initiator.forget(responder);
    responder.forget(initiator);
    bundles.push(await responder.bundle(i + 1));
  }
  const messages: Bytes[] = [];
  const initiate = await cpuUs(pairs.length, async (i) => {
    const [initiator, responder] = pairs[i] as readonly [Party, Party];
    messages.push(await initiator.initiate(bundles[i] as PreKeyBundle, responder, contentOf(i)));
  });
  let last: Bytes | undefined;
  const accept = await cpuUs(pairs.length, async (i) => {
    const [initiator, responder] = pairs[i] as readonly [Party, Party];
    last = await responder.accept(messages[i] as Bytes, initiator);
  });
  requireContent(pairs.length - 1, last);
  return { initiate, accept };
}

/** One identity on one device. */
class Party {
  readonly address: Address;
  readonly #libsignal: Libsignal;
  readonly #stores: Stores;
  readonly #registrationId: number;

  private constructor(libsignal: Libsignal, stores: Stores, registrationId: number) {
    this.#libsignal = libsignal;
    this.#stores = stores;
    this.#registrationId = registrationId;
    this.address = libsignal.ProtocolAddress.new(randomUUID(), DEVICE);
  }

  static async create(libsignal: Libsignal): Promise<Party> {
    const registrationId = 5;
    const identityKey = libsignal.PrivateKey.generate();
    const stores = memoryStores(libsignal, identityKey, registrationId);
    const signed = libsignal.PrivateKey.generate();
    const kyber = libsignal.KEMKeyPair.generate();
    const now = Date.now();
    await stores.signedPreKeys.saveSignedPreKey(
      SIGNED_PREKEY_ID,
      libsignal.SignedPreKeyRecord.new(
        SIGNED_PREKEY_ID,
        now,
        signed.getPublicKey(),
        signed,
        identityKey.sign(signed.getPublicKey().serialize()),
      ),
    );
    await stores.kyberPreKeys.saveKyberPreKey(
      KYBER_PREKEY_ID,
      libsignal.KyberPreKeyRecord.new(
        KYBER_PREKEY_ID,
        now,
        kyber,
        identityKey.sign(kyber.getPublicKey().serialize()),
      ),
    );
    return new Party(libsignal, stores, registrationId);
  }

  /** A bundle with a new one-time prekey. */
  async bundle(preKeyId: number): Promise<PreKeyBundle> {
    const secret = this.#libsignal.PrivateKey.generate();
    const preKey = this.#libsignal.PreKeyRecord.new(preKeyId, secret.getPublicKey(), secret);
    await this.#stores.preKeys.savePreKey(preKeyId, preKey);
    const signed = await this.#stores.signedPreKeys.getSignedPreKey(SIGNED_PREKEY_ID);
    const kyber = await this.#stores.kyberPreKeys.getKyberPreKey(KYBER_PREKEY_ID);
    const identityKey = await this.#stores.identities.getIdentityKey();
    return this.#libsignal.PreKeyBundle.new(
      this.#registrationId,
      DEVICE,
      preKeyId,
      preKey.publicKey(),
      SIGNED_PREKEY_ID,
      signed.publicKey(),
      signed.signature(),
      identityKey.getPublicKey(),
      KYBER_PREKEY_ID,
      kyber.publicKey(),
      kyber.signature(),
    );
  }

  async initiate(bundle: PreKeyBundle, peer: Party, content: Bytes): Promise<Bytes> {
    const { sessions, identities } = this.#stores;
    await this.#libsignal.processPreKeyBundle(bundle, peer.address, this.address, sessions, identities);
    return this.send(content, peer);
  }

  accept(message: Bytes, peer: Party): Promise<Bytes> {
    const { sessions, identities, preKeys, signedPreKeys, kyberPreKeys } = this.#stores;
    return this.#libsignal.signalDecryptPreKey(
      this.#libsignal.PreKeySignalMessage.deserialize(message),
      peer.address,
      this.address,
      sessions,
      identities,
      preKeys,
      signedPreKeys,
      kyberPreKeys,
    );
  }

  async send(content: Bytes, peer: Party): Promise<Bytes> {
    const { sessions, identities } = this.#stores;
    const message = await this.#libsignal.signalEncrypt(
      content,
      peer.address,
      this.address,
      sessions,
      identities,
    );
    return message.serialize();
  }

  receive(message: Bytes, peer: Party): Promise<Bytes> {
    const { sessions, identities } = this.#stores;
    return this.#libsignal.signalDecrypt(
      this.#libsignal.SignalMessage.deserialize(message),
      peer.address,
      this.address,
      sessions,
      identities,
    );
  }

  forget(peer: Party): void {
    this.#stores.sessions.forget(peer.address);
  }

  sessionBytes(peer: Party): number {
    return this.#stores.sessions.sizeOf(peer.address);
  }
}
