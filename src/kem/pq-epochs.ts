/**
 * The post-quantum epochs of KR1: ML-KEM-768 secrets that both sides mix into the root key, one an epoch, in turn. The
 * proposer sends a key in every message until it has a ciphertext; the answerer sends that in every message until the
 * proposer has moved on. So loss, repetition and any order do no harm, and the sides differ by at most one epoch.
 * docs/wire.md, "KR1: PQ epochs".
 *
 *     due --own sending step, in turn--> propose --CT(e+1)--> ready --own sending step, secret mixed--> wait, epoch e+1
 *     wait --EK(e+1)--> answer --header of epoch e+1, secret mixed--> due, epoch e+1
 *
 * The initiator of the session proposes odd epochs. Epoch 1's key is the one that its bundle signs, so nothing carries
 * it. A proposal that is due waits for its turn, each fourth chain of the peer. Values, not objects: each function returns
 * the next state and leaves the given one as it is. Sizes are those of the KEM that is handed in; the codecs check them.
 * Does not authenticate: that is the messages' part.
 */

import type { Kem, KemKeyPair } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';

/** The epoch whose key is in the initiator's bundle, and never in a message. */
const FIRST_EPOCH = 1;
/**
 * Proposals are made in answer to each fourth chain of the peer, from its second on: an epoch then takes about 8 messages
 * of people who write in turn, who share its cost. PQ3 takes some 50. Whoever proposes more often does no harm.
 */
const PROPOSE_EVERY_CHAINS = 4;
const FIRST_PROPOSING_CHAIN = 1;
/** Bytes of randomness a proposed key is made from (FIPS 203: d and z). */
const SEED_BYTES = 64;

/** `epoch` is the newest whose secret is in the root key; all modes are about the one after it. */
export type PqState =
  /** My turn to propose, with no key made yet. */
  | { readonly mode: 'due'; readonly epoch: number }
  /** Proposed; `key` null: the peer has it from the bundle (epoch 1). */
  | {
      readonly mode: 'propose';
      readonly epoch: number;
      readonly seed: Uint8Array;
      readonly key: Uint8Array | null;
      /** Of `seed`, where it has been made already: null in a state that was read from a row. */
      readonly pair: KemKeyPair | null;
    }
  /** Answered by the peer: the secret goes into the next sending step. */
  | { readonly mode: 'ready'; readonly epoch: number; readonly secret: Uint8Array }
  /** The peer's turn to propose. */
  | { readonly mode: 'wait'; readonly epoch: number }
  /** Answered by me: the secret goes into the receiving step whose header says so. */
  | {
      readonly mode: 'answer';
      readonly epoch: number;
      readonly ciphertext: Uint8Array;
      readonly secret: Uint8Array;
    };

/** What a message carries for the epochs; `epoch` is the one that the key or ciphertext is for. */
export type PqAttachment =
  | { readonly type: 'none' }
  | { readonly type: 'key'; readonly epoch: number; readonly key: Uint8Array }
  | { readonly type: 'ciphertext'; readonly epoch: number; readonly ciphertext: Uint8Array };

/** A state, and the secret that goes into the root step that led to it: null when the epoch stays. */
export interface PqStep {
  readonly state: PqState;
  readonly secret: Uint8Array | null;
}

/** The initiator at the start: its signed answer key is the proposal of epoch 1. Takes ownership of `answerSeed`. */
export function initiatorEpochs(answerSeed: Uint8Array): PqState {
  return { mode: 'propose', epoch: 0, seed: answerSeed, key: null, pair: null };
}

/** The responder at the start, until it knows the initiator's answer key: then {@link answerKey}. */
export function responderEpochs(): PqState {
  return { mode: 'wait', epoch: 0 };
}

/** Whether the side with this role proposes `epoch`. */
export function proposes(role: 'initiator' | 'responder', epoch: number): boolean {
  return (epoch % 2 === 1) === (role === 'initiator');
}

/** Answers a key of the next epoch, from `wait` only. Throws CryptoError when the KEM refuses the key. */
export function answerKey(kem: Kem, state: PqState, key: Uint8Array): PqState {
  if (state.mode !== 'wait') return state;
  const { ciphertext, sharedSecret } = kem.encapsulate(key);
  return { mode: 'answer', epoch: state.epoch, ciphertext, secret: sharedSecret };
}

/** What every message sent in this state carries. */
export function attachmentOf(state: PqState): PqAttachment {
  const epoch = state.epoch + 1;
  if (state.mode === 'propose' && state.key !== null) return { type: 'key', epoch, key: state.key };
  if (state.mode === 'answer') return { type: 'ciphertext', epoch, ciphertext: state.ciphertext };
  return { type: 'none' };
}

/**
 * At an own sending step, before its root step: makes the proposal that is due, or enters the epoch that is ready.
 * `peerChain` is the number of the peer's newest chain, from 0 within the session; null before the first.
 */
export function stepSending(kem: Kem, random: RandomBytes, state: PqState, peerChain: number | null): PqStep {
  if (state.mode === 'ready') {
    return { state: { mode: 'wait', epoch: state.epoch + 1 }, secret: state.secret };
  }
  if (
    state.mode === 'due' &&
    peerChain !== null &&
    peerChain % PROPOSE_EVERY_CHAINS === FIRST_PROPOSING_CHAIN
  ) {
    const seed = random(SEED_BYTES);
    const pair = kem.keyPair(seed);
    const proposal = { mode: 'propose', epoch: state.epoch, seed, key: pair.publicKey, pair } as const;
    return { state: proposal, secret: null };
  }
  return { state, secret: null };
}

/** At a receiving step, before its root step. Null when the peer cannot be in the epoch that its header names. */
export function stepReceiving(state: PqState, headerEpoch: number): PqStep | null {
  if (headerEpoch === state.epoch) return { state, secret: null };
  if (state.mode !== 'answer' || headerEpoch !== state.epoch + 1) return null;
  return { state: { mode: 'due', epoch: headerEpoch }, secret: state.secret };
}

/**
 * What came with a decrypted message. Whatever is not the next thing awaited is of the past or repeated, and is ignored;
 * the state is then the given object itself. Throws CryptoError when the KEM refuses the key or ciphertext.
 */
export function receiveAttachment(kem: Kem, state: PqState, attachment: PqAttachment): PqState {
  if (attachment.type === 'none' || attachment.epoch !== state.epoch + 1) return state;
  if (attachment.type === 'key') {
    // only the key that the bundle signs proves the initiator: one of a message could be a thief's of our prekeys
    return attachment.epoch === FIRST_EPOCH ? state : answerKey(kem, state, attachment.key);
  }
  if (state.mode !== 'propose') return state;
  const secret = (state.pair ?? kem.keyPair(state.seed)).decapsulate(attachment.ciphertext);
  return { mode: 'ready', epoch: state.epoch, secret };
}
