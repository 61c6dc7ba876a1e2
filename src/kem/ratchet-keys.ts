/**
 * The key derivations of KR1: root step, chain, message and epoch. docs/wire.md, "KR1: keys".
 *
 * KDF_RK and KDF_CK of the Double Ratchet spec with HKDF-SHA256 and HMAC-SHA256 (section 5.2), and its option of a
 * nonce that comes from the message key.
 */

import { concat, utf8, wipe } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { SessionRole } from './session.ts';

const ROOT_LABEL = utf8('kith/1/kr/root');
const MESSAGE_LABEL = utf8('kith/1/kr/message');
const EPOCH_LABEL = utf8('kith/1/kr/epoch');
const NOTHING = new Uint8Array(0);

/** Inputs of the HMAC under a chain key, or what they begin with (Double Ratchet, section 5.2: a constant each). */
const MESSAGE_KEY_INPUT = Uint8Array.of(1);
const CHAIN_KEY_INPUT = Uint8Array.of(2);
const SALT_INPUT = Uint8Array.of(3);
const SALT_BYTES = 16;
/** The first epoch that both sides' post-quantum keys are in. */
const PAIR_EPOCH = 1;

/** What a session gives to the layers above when this side enters an epoch: once, then it forgets them. */
export interface EpochKeys {
  readonly epoch: number;
  /** 32 bytes, secret: for the tags of what this side sends. */
  readonly send: Uint8Array;
  /** 32 bytes, secret: for the tags of what the peer sends. */
  readonly receive: Uint8Array;
  /** Of epoch 1 only: 32 bytes, secret, the key of this pair for link login. Before that nobody is proven. */
  readonly pairKey: Uint8Array | null;
}

export interface RootStep {
  readonly rootKey: Uint8Array;
  readonly chainKey: Uint8Array;
  /** Header key of the chain after this one, in the same direction. */
  readonly nextHeaderKey: Uint8Array;
  /** Null unless a secret of the epoch was mixed in. */
  readonly epochSecret: Uint8Array | null;
}

/** One root step into `epoch`. Wipes `agreed`; `pqSecret` is the state's and stays. */
export function rootStep(
  provider: Provider,
  rootKey: Uint8Array,
  agreed: Uint8Array,
  pqSecret: Uint8Array | null,
  epoch: number,
): RootStep {
  const ikm = pqSecret === null ? agreed : concat(agreed, pqSecret);
  const output = provider.hkdfSha256(ikm, rootKey, concat(ROOT_LABEL, u32(epoch)), 128);
  wipe(ikm, agreed);
  const epochSecret = output.subarray(96);
  if (pqSecret === null) wipe(epochSecret);
  return {
    rootKey: output.subarray(0, 32),
    chainKey: output.subarray(32, 64),
    nextHeaderKey: output.subarray(64, 96),
    epochSecret: pqSecret === null ? null : epochSecret,
  };
}

/** The keys of an epoch from its secret (32 bytes), which is wiped. */
export function deriveEpochKeys(
  provider: Provider,
  secret: Uint8Array,
  epoch: number,
  role: SessionRole,
): EpochKeys {
  const output = provider.hkdfSha256(secret, NOTHING, concat(EPOCH_LABEL, u32(epoch)), 96);
  wipe(secret);
  const [initiators, responders] = [output.subarray(0, 32), output.subarray(32, 64)];
  const pairKey = output.subarray(64);
  if (epoch !== PAIR_EPOCH) wipe(pairKey);
  const own = role === 'initiator';
  return {
    epoch,
    send: own ? initiators : responders,
    receive: own ? responders : initiators,
    pairKey: epoch === PAIR_EPOCH ? pairKey : null,
  };
}

/** Key of the message that a chain key stands at. */
export function messageKeyOf(provider: Provider, chainKey: Uint8Array): Uint8Array {
  return provider.hmacSha256(chainKey, MESSAGE_KEY_INPUT);
}

/** The chain key of the message after. */
export function nextChainKey(provider: Provider, chainKey: Uint8Array): Uint8Array {
  return provider.hmacSha256(chainKey, CHAIN_KEY_INPUT);
}

/**
 * The salt of a message (16 bytes), from randomness, the header without its salt, and the body, under the sender's chain
 * key. Were the same chain used twice with the same randomness, another header or body would still have another key
 * and other nonces.
 */
export function saltOf(
  provider: Provider,
  chainKey: Uint8Array,
  randomness: Uint8Array,
  unsalted: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  return provider.hmacSha256(chainKey, SALT_INPUT, randomness, unsalted, body).subarray(0, SALT_BYTES);
}

/** What encrypts one message: 32, 12 and 12 bytes. */
export interface MessageSecrets {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly headerNonce: Uint8Array;
}

export function messageSecrets(provider: Provider, messageKey: Uint8Array, salt: Uint8Array): MessageSecrets {
  const output = provider.hkdfSha256(messageKey, salt, MESSAGE_LABEL, 56);
  return {
    key: output.subarray(0, 32),
    nonce: output.subarray(32, 44),
    headerNonce: output.subarray(44),
  };
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
