/** Initiator of the link handshake (see xxhfs.ts): what it sends, expects and proves, in that order. It stays anonymous until message 3. */

import { concat, copyOf, wipe } from '../safety/bytes.ts';
import type { KemKeyPair, Provider, X25519KeyPair } from '../safety/crypto/provider.ts';
import type { SymmetricState } from './symmetric-state.ts';
import {
  finish,
  type HandshakeRandom,
  KEY_BYTES,
  MESSAGE_2_OVERHEAD_BYTES,
  type ReceivedPayload,
  requireAtLeast,
  SEALED_CIPHERTEXT_BYTES,
  SEALED_KEY_BYTES,
  Steps,
  start,
  takeKeyPair,
  type Transport,
} from './xxhfs.ts';

const NOTHING = new Uint8Array(0);

/** The dialing side: writeMessage1, readMessage2, beginMessage3, writeMessage3, finish. */
export class XxhfsInitiator {
  readonly #steps: Steps;
  readonly #state: SymmetricState;
  readonly #static: X25519KeyPair;
  readonly #ephemeral: X25519KeyPair;
  readonly #kem: KemKeyPair;
  #remoteEphemeral: Uint8Array = NOTHING;
  #sealedStatic: Uint8Array = NOTHING;

  constructor(
    provider: Provider,
    prologue: Uint8Array,
    random: HandshakeRandom & { readonly kem: Uint8Array },
  ) {
    this.#state = start(provider, prologue);
    this.#steps = new Steps(this.#state, 'write 1');
    this.#static = takeKeyPair(provider, random.staticSecret);
    this.#ephemeral = takeKeyPair(provider, random.ephemeralSecret);
    this.#kem = provider.mlKem768.keyPair(random.kem);
    wipe(random.kem);
  }

  /** Message 1: exactly {@link MESSAGE_1_BYTES}. */
  writeMessage1(): Uint8Array {
    return this.#steps.run('write 1', 'read 2', () => {
      this.#state.mixHash(this.#ephemeral.publicKey);
      this.#state.mixHash(this.#kem.publicKey);
      this.#state.mixHash(NOTHING);
      return concat(this.#ephemeral.publicKey, this.#kem.publicKey);
    });
  }

  /** Throws MalformedError or CryptoError; nothing of a refused message is returned. */
  readMessage2(message: Uint8Array): ReceivedPayload {
    return this.#steps.run('read 2', 'begin 3', () => {
      requireAtLeast(message, MESSAGE_2_OVERHEAD_BYTES, 2);
      const state = this.#state;
      this.#remoteEphemeral = copyOf(message, 0, KEY_BYTES);
      state.mixHash(this.#remoteEphemeral);
      state.mixKey(this.#ephemeral.agree(this.#remoteEphemeral));
      const ciphertext = state.decryptAndHash(
        message.subarray(KEY_BYTES, KEY_BYTES + SEALED_CIPHERTEXT_BYTES),
      );
      state.mixKey(this.#kem.decapsulate(ciphertext));
      const rest = message.subarray(KEY_BYTES + SEALED_CIPHERTEXT_BYTES);
      const remoteStatic = state.decryptAndHash(rest.subarray(0, SEALED_KEY_BYTES));
      state.mixKey(this.#ephemeral.agree(remoteStatic));
      const boundHash = state.hash;
      return { payload: state.decryptAndHash(rest.subarray(SEALED_KEY_BYTES)), boundHash };
    });
  }

  /** Fixes all of message 3 but its payload, and returns the transcript hash to bind the payload to. */
  beginMessage3(): Uint8Array {
    return this.#steps.run('begin 3', 'write 3', () => {
      this.#sealedStatic = this.#state.encryptAndHash(this.#static.publicKey);
      this.#state.mixKey(this.#static.agree(this.#remoteEphemeral));
      return this.#state.hash;
    });
  }

  /** Message 3: {@link MESSAGE_3_OVERHEAD_BYTES} longer than the payload. */
  writeMessage3(payload: Uint8Array): Uint8Array {
    return this.#steps.run('write 3', 'finish', () =>
      concat(this.#sealedStatic, this.#state.encryptAndHash(payload)),
    );
  }

  finish(): Transport {
    return this.#steps.run('finish', 'nothing, it is done', () => finish(this.#state, true));
  }
}
