/**
 * One KR1 message: a sending step when one is due, then a message key, a header and a padded body. Double Ratchet spec,
 * section 4.4 (RatchetEncryptHE), with the step put off to here: so that no ratchet key is made before it is used,
 * and the epochs move only with messages. docs/wire.md, "KR1".
 *
 * The key and both nonces come from the message key and a salt, and the salt from randomness, header and body. So whoever
 * encrypts twice in one chain, because of a restored backup, has other keys and nonces for anything else, even with
 * a generator that repeats itself. Not hidden: the size of the message and that it is one.
 */

import { concat, wipe } from '../safety/bytes.ts';
import { KemError } from './errors.ts';
import type { Primitives } from './primitives.ts';
import { attachmentOf, stepSending } from './pq-epochs.ts';
import {
  deriveEpochKeys,
  messageKeyOf,
  messageSecrets,
  nextChainKey,
  rootStep,
  type EpochKeys,
  saltOf,
} from './ratchet-keys.ts';
import {
  contentCapacity,
  encodeBody,
  encodeHeader,
  MAX_CHAIN_MESSAGES,
  MESSAGE_SIZES,
  OVERHEAD_BYTES,
} from './ratchet-message.ts';
import type { SendingChain, Session } from './session.ts';

const SECRET_BYTES = 32;
const RANDOMNESS_BYTES = 32;
/** What stands in a header while its salt is made. */
const NO_SALT = new Uint8Array(16);

export interface Encrypted {
  /** To be committed before `message` goes anywhere. */
  readonly session: Session;
  /** Exactly as many bytes as were asked for. */
  readonly message: Uint8Array<ArrayBuffer>;
  /** When this message entered a post-quantum epoch: given out this once. */
  readonly epochKeys: EpochKeys | null;
}

/**
 * Encrypts `content`, of at most {@link contentCapacity} bytes, into a message of `messageBytes`: one of
 * {@link MESSAGE_SIZES}, else RangeError. Throws KemError CONTENT_TOO_LONG, CHAIN_EXHAUSTED, and WRONG_STATE in a
 * responder that has decrypted nothing.
 */
export function encrypt(
  p: Primitives,
  session: Session,
  content: Uint8Array,
  messageBytes: number,
): Encrypted {
  if (!MESSAGE_SIZES.includes(messageBytes)) throw new RangeError('message size');
  requireRoom(content.length, messageBytes);
  const stepped = session.sending === null ? sendingStep(p, session) : null;
  const { sending, pq } = stepped?.session ?? session;
  const chain = sending as SendingChain;
  requireUnspent(chain);
  const { provider } = p;

  const body = encodeBody({ attachment: attachmentOf(pq), content }, messageBytes - OVERHEAD_BYTES);
  const { ratchetKey, chainKey, n } = chain;
  const unsalted = { ratchetKey, pn: session.previousLength, n, epoch: pq.epoch, salt: NO_SALT };
  const randomness = p.random(RANDOMNESS_BYTES);
  const salt = saltOf(provider, chainKey, randomness, encodeHeader(unsalted), body);
  const messageKey = messageKeyOf(provider, chainKey);
  const { key, nonce, headerNonce } = messageSecrets(provider, messageKey, salt);
  const header = encodeHeader({ ...unsalted, salt });
  const { transcript } = session;
  const sealedHeader = provider.aes256Gcm.seal(chain.headerKey, headerNonce, transcript, header);
  const sealedBody = provider.aes256Gcm.seal(key, nonce, concat(transcript, headerNonce, sealedHeader), body);
  const message = concat(headerNonce, sealedHeader, sealedBody);
  wipe(messageKey, key, body);

  const next = { ...chain, chainKey: nextChainKey(provider, chain.chainKey), n: chain.n + 1 };
  if (stepped !== null) wipe(chain.chainKey);
  return {
    session: { ...(stepped?.session ?? session), sending: next },
    message,
    epochKeys: stepped?.epochKeys ?? null,
  };
}

/** A new ratchet key, and the sending chain that it gives with the peer's. */
function sendingStep(
  { provider, random }: Primitives,
  session: Session,
): { session: Session; epochKeys: EpochKeys | null } {
  if (session.remoteRatchetKey === null) {
    throw new KemError('WRONG_STATE', 'nothing of the peer was decrypted, so nothing can be sent', {
      hint: 'The responder of a session speaks second: decrypt the message that opened it.',
    });
  }
  const peerChain = session.receiving?.id ?? null;
  const { state: pq, secret } = stepSending(provider.mlKem768, random, session.pq, peerChain);
  const ratchetSecret = random(SECRET_BYTES);
  const pair = provider.x25519.keyPair(ratchetSecret);
  const agreed = pair.agree(session.remoteRatchetKey);
  const step = rootStep(provider, session.rootKey, agreed, secret, pq.epoch);
  return {
    session: {
      ...session,
      rootKey: step.rootKey,
      ratchetSecret,
      ratchetPair: pair,
      sending: {
        ratchetKey: pair.publicKey,
        headerKey: session.nextSendingHeaderKey,
        chainKey: step.chainKey,
        n: 0,
      },
      nextSendingHeaderKey: step.nextHeaderKey,
      pq,
    },
    epochKeys:
      step.epochSecret === null ? null : deriveEpochKeys(provider, step.epochSecret, pq.epoch, session.role),
  };
}

function requireRoom(contentBytes: number, messageBytes: number): void {
  const capacityBytes = contentCapacity(messageBytes);
  if (contentBytes <= capacityBytes) return;
  throw new KemError('CONTENT_TOO_LONG', 'the content does not fit into a message of this size', {
    hint: 'Take a larger message, or cut the content.',
    data: { contentBytes, capacityBytes },
  });
}

function requireUnspent({ n }: SendingChain): void {
  if (n < MAX_CHAIN_MESSAGES) return;
  throw new KemError('CHAIN_EXHAUSTED', 'too many messages went out without an answer', {
    hint: 'Wait until the other side has answered, or open a new session.',
    data: { sent: n },
  });
}
