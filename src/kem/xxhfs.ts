/**
 * The link handshake: Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256 as two pure state machines, one a role. Here is
 * what both share: sizes, types, and the order of steps.
 *
 *     -> e, e1                        1,216 bytes
 *     <- e, ee, ekem1, s, es          1,184 bytes + payload + 16
 *     -> s, se                           48 bytes + payload + 16
 *
 * Spec: Noise Protocol Framework revision 34 with the "hfs" extension (noise_hfs_spec) and ML-KEM-768 (FIPS 203).
 * Confidentiality needs X25519 *or* ML-KEM-768 to hold. Authentication is X25519 static keys only: whoever uses
 * this proves an identity inside the payloads, over the transcript hash that is handed out before each of them.
 *
 * Every step runs once and in order; a step that fails leaves the machine dead. Message 1 has no payload, because
 * it would be neither secret nor authentic.
 */

import { wipe } from '../safety/bytes.ts';
import type { Provider, X25519KeyPair } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { CipherState } from './cipher-state.ts';
import { KemError } from './errors.ts';
import { SymmetricState } from './symmetric-state.ts';

const PROTOCOL_NAME = 'Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256';

/** X25519 public key. */
export const KEY_BYTES = 32;
/** X25519 public key, encrypted. */
export const SEALED_KEY_BYTES = KEY_BYTES + 16;
/** ML-KEM-768 ciphertext, encrypted. */
export const SEALED_CIPHERTEXT_BYTES = 1088 + 16;

/** Size of message 1, always. */
export const MESSAGE_1_BYTES = KEY_BYTES + 1184;
/** Size of message 2 without its payload: e, ekem1, s and the payload's tag. */
export const MESSAGE_2_OVERHEAD_BYTES = KEY_BYTES + SEALED_CIPHERTEXT_BYTES + SEALED_KEY_BYTES + 16;
/** Size of message 3 without its payload: s and the payload's tag. */
export const MESSAGE_3_OVERHEAD_BYTES = SEALED_KEY_BYTES + 16;

/** Random bytes of one handshake, used once. The machine takes them over and wipes them. */
export interface HandshakeRandom {
  /** X25519 static secret, 32 bytes: fresh for each connection. */
  readonly staticSecret: Uint8Array;
  /** X25519 ephemeral secret, 32 bytes. */
  readonly ephemeralSecret: Uint8Array;
  /** Initiator: ML-KEM-768 seed, 64 bytes. Responder: encapsulation coins, 32 bytes, for known answers only. */
  readonly kem?: Uint8Array;
}

/** What both sides have after message 3. */
export interface Transport {
  readonly send: CipherState;
  readonly receive: CipherState;
  /** Transcript hash, 32 bytes, the same on both sides and on no other connection: for channel binding. */
  readonly handshakeHash: Uint8Array;
}

/** A received payload, and the transcript hash its writer knew when writing it. */
export interface ReceivedPayload {
  readonly payload: Uint8Array;
  readonly boundHash: Uint8Array;
}

/** Each step once and in order; the first failure ends it all. */
export class Steps {
  readonly #state: SymmetricState;
  #next: string;

  constructor(state: SymmetricState, first: string) {
    this.#state = state;
    this.#next = first;
  }

  /** Runs `work` if `step` is due. Throws KemError WRONG_STATE otherwise. */
  run<T>(step: string, next: string, work: () => T): T {
    if (this.#next !== step) {
      throw new KemError('WRONG_STATE', `handshake: "${step}" is not the next step`, {
        hint: 'Drop this handshake and start a new connection.',
        data: { step, due: this.#next },
      });
    }
    this.#next = 'nothing, it failed';
    try {
      const result = work();
      this.#next = next;
      return result;
    } catch (error) {
      this.#state.erase();
      throw error;
    }
  }
}

/** The state before message 1. */
export function start(provider: Provider, prologue: Uint8Array): SymmetricState {
  const state = new SymmetricState(provider, PROTOCOL_NAME);
  state.mixHash(prologue);
  return state;
}

/** Key pair of a secret that is wiped afterwards. */
export function takeKeyPair(provider: Provider, secret: Uint8Array): X25519KeyPair {
  const pair = provider.x25519.keyPair(secret);
  wipe(secret);
  return pair;
}

/** The transport keys, each given to its direction. */
export function finish(state: SymmetricState, initiator: boolean): Transport {
  const handshakeHash = state.hash;
  const [first, second] = state.split();
  return { send: initiator ? first : second, receive: initiator ? second : first, handshakeHash };
}

/** Throws MalformedError when a message cannot hold its fixed parts. */
export function requireAtLeast(message: Uint8Array, overhead: number, number: number): void {
  if (message.length < overhead) {
    throw new MalformedError('handshake', 'message is too short', { message: number, size: message.length });
  }
}
