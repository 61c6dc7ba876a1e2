/** Responder of the link handshake (see xxhfs.ts): what it sends, expects and proves, in that order. It costs next to nothing until message 1 is acceptable. */

import { concat, copyOf } from '../safety/bytes.ts';
import type { Provider, X25519KeyPair } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { SymmetricState } from './symmetric-state.ts';
import {
  finish,
  type HandshakeRandom,
  KEY_BYTES,
  MESSAGE_1_BYTES,
  MESSAGE_3_OVERHEAD_BYTES,
  type ReceivedPayload,
  requireAtLeast,
  SEALED_KEY_BYTES,
  Steps,
  start,
  takeKeyPair,
  type Transport,
} from './xxhfs.ts';

const NOTHING = new Uint8Array(0);

interface Encapsulated {
  readonly ciphertext: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

/** The accepting side: readMessage1, beginMessage2, writeMessage2, readMessage3, finish. */
export class XxhfsResponder {
  readonly #steps: Steps;
  readonly #provider: Provider;
  readonly #state: SymmetricState;
  readonly #random: HandshakeRandom;
  #ephemeral: X25519KeyPair | undefined;
  #head: Uint8Array = NOTHING;
  #remoteEphemeral: Uint8Array = NOTHING;
  #encapsulated: Encapsulated | undefined;

  /** Cheap: keys are made only after a message 1 with an acceptable ML-KEM key has come. */
  constructor(provider: Provider, prologue: Uint8Array, random: HandshakeRandom) {
    this.#provider = provider;
    this.#state = start(provider, prologue);
    this.#steps = new Steps(this.#state, 'read 1');
    this.#random = random;
  }

  /** Throws MalformedError or CryptoError. Garbage fails at the ML-KEM key check, before any curve arithmetic. */
  readMessage1(message: Uint8Array): void {
    this.#steps.run('read 1', 'begin 2', () => {
      if (message.length !== MESSAGE_1_BYTES) {
        throw new MalformedError('handshake', 'message has the wrong length', {
          message: 1,
          size: message.length,
        });
      }
      this.#remoteEphemeral = copyOf(message, 0, KEY_BYTES);
      const kemKey = message.subarray(KEY_BYTES);
      this.#encapsulated = this.#provider.mlKem768.encapsulate(kemKey, this.#random.kem);
      this.#state.mixHash(this.#remoteEphemeral);
      this.#state.mixHash(kemKey);
      this.#state.mixHash(NOTHING);
    });
  }

  /** Fixes all of message 2 but its payload, and returns the transcript hash to bind the payload to. */
  beginMessage2(): Uint8Array {
    return this.#steps.run('begin 2', 'write 2', () => {
      const { ciphertext, sharedSecret } = this.#encapsulated as Encapsulated;
      this.#encapsulated = undefined;
      const state = this.#state;
      const ephemeral = takeKeyPair(this.#provider, this.#random.ephemeralSecret);
      state.mixHash(ephemeral.publicKey);
      state.mixKey(ephemeral.agree(this.#remoteEphemeral));
      const sealedCiphertext = state.encryptAndHash(ciphertext);
      state.mixKey(sharedSecret);
      const own = takeKeyPair(this.#provider, this.#random.staticSecret);
      const sealedStatic = state.encryptAndHash(own.publicKey);
      state.mixKey(own.agree(this.#remoteEphemeral));
      this.#ephemeral = ephemeral;
      this.#head = concat(ephemeral.publicKey, sealedCiphertext, sealedStatic);
      return state.hash;
    });
  }

  /** Message 2: {@link MESSAGE_2_OVERHEAD_BYTES} longer than the payload. */
  writeMessage2(payload: Uint8Array): Uint8Array {
    return this.#steps.run('write 2', 'read 3', () =>
      concat(this.#head, this.#state.encryptAndHash(payload)),
    );
  }

  /** Throws MalformedError or CryptoError; nothing of a refused message is returned. */
  readMessage3(message: Uint8Array): ReceivedPayload {
    return this.#steps.run('read 3', 'finish', () => {
      requireAtLeast(message, MESSAGE_3_OVERHEAD_BYTES, 3);
      const state = this.#state;
      const remoteStatic = state.decryptAndHash(message.subarray(0, SEALED_KEY_BYTES));
      state.mixKey((this.#ephemeral as X25519KeyPair).agree(remoteStatic));
      this.#ephemeral = undefined;
      const boundHash = state.hash;
      return { payload: state.decryptAndHash(message.subarray(SEALED_KEY_BYTES)), boundHash };
    });
  }

  finish(): Transport {
    return this.#steps.run('finish', 'nothing, it is done', () => finish(this.#state, false));
  }
}
