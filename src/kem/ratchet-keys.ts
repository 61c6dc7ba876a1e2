/**
 * The key derivations of KR1: root step, chain, message and stream. docs/wire.md, "KR1: keys".
 *
 * KDF_RK and KDF_CK of the Double Ratchet spec with HKDF-SHA256 and HMAC-SHA256 (section 5.2), and its option of a
 * nonce that comes from the message key.
 */

import { concat, utf8, wipe } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { SessionRole } from './session.ts';

const ROOT_LABEL = utf8('kith/1/kr/root');
const MESSAGE_LABEL = utf8('kith/1/kr/message');
const STREAM_LABEL = utf8('kith/1/kr/stream');
const NOTHING = new Uint8Array(0);

/** Inputs of the HMAC under a chain key (Double Ratchet, section 5.2: a constant each). */
const MESSAGE_KEY_INPUT = Uint8Array.of(1);
const CHAIN_KEY_INPUT = Uint8Array.of(2);
const SALT_KEY_INPUT = Uint8Array.of(3);
const SALT_BYTES = 16;

/** For the tags of friend-held mail: given out once, when this side enters the epoch; the session forgets them. */
export interface StreamKeys {
  readonly epoch: number;
  /** 32 bytes, secret: for what this side sends. */
  readonly send: Uint8Array;
  /** 32 bytes, secret: for what the peer sends. */
  readonly receive: Uint8Array;
}

export interface RootStep {
  readonly rootKey: Uint8Array;
  readonly chainKey: Uint8Array;
  /** Header key of the chain after this one, in the same direction. */
  readonly nextHeaderKey: Uint8Array;
  /** Null unless a secret of the epoch was mixed in. */
  readonly streamSecret: Uint8Array | null;
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
  const streamSecret = output.subarray(96);
  if (pqSecret === null) wipe(streamSecret);
  return {
    rootKey: output.subarray(0, 32),
    chainKey: output.subarray(32, 64),
    nextHeaderKey: output.subarray(64, 96),
    streamSecret: pqSecret === null ? null : streamSecret,
  };
}

/** The stream keys of an epoch. Wipes `secret` (32 bytes). */
export function deriveStreamKeys(
  provider: Provider,
  secret: Uint8Array,
  epoch: number,
  role: SessionRole,
): StreamKeys {
  const output = provider.hkdfSha256(secret, NOTHING, concat(STREAM_LABEL, u32(epoch)), 64);
  wipe(secret);
  const [initiators, responders] = [output.subarray(0, 32), output.subarray(32)];
  return role === 'initiator'
    ? { epoch, send: initiators, receive: responders }
    : { epoch, send: responders, receive: initiators };
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
 * The salt of a message (16 bytes), from randomness and the body, under a key that only the sender uses. Were the same
 * state used twice with the same randomness, another body would still have another key and nonce.
 */
export function saltOf(
  provider: Provider,
  chainKey: Uint8Array,
  randomness: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  const key = provider.hmacSha256(chainKey, SALT_KEY_INPUT);
  const salt = provider.hmacSha256(key, randomness, body).subarray(0, SALT_BYTES);
  wipe(key);
  return salt;
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
