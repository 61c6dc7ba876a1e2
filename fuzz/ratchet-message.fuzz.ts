/**
 * Messages for a session that has skipped keys and a proposal of its own out. The first byte chooses which of four valid
 * messages is meant, and what is made of it: it is replaced; or changed from a given place on; or its header or its body
 * is changed before it is encrypted, as only the peer could. Whatever comes of it, the session and the skipped keys
 * stay byte for byte as they were; what a stranger changed is refused, and what is accepted leads to a session that
 * can be saved.
 */

import assert from 'node:assert/strict';
import type { Primitives } from '../src/kem/primitives.ts';
import { decrypt } from '../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../src/kem/ratchet-encrypt.ts';
import { messageKeyOf, messageSecrets, nextChainKey } from '../src/kem/ratchet-keys.ts';
import { KemError } from '../src/kem/errors.ts';
import { decodeSession, encodeSession } from '../src/kem/session-codec.ts';
import { answerFirstEpoch, openAsInitiator, openAsResponder, type Session } from '../src/kem/session.ts';
import { SkippedKeyMap } from '../src/kem/skipped-keys.ts';
import { concat } from '../src/safety/bytes.ts';
import { CryptoError } from '../src/safety/crypto/provider.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { laidOver } from './laid-over.ts';

const NOW = 1_800_000_000_000;
const SIZE = 4_064;
const HEAD = 92;
const filled = (size: number, value: number): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(value);

let draws = 0;
const p: Primitives = { provider: nodeProvider, random: (size) => filled(size, ++draws) };
const skipped = new SkippedKeyMap();

interface Sent {
  readonly message: Uint8Array;
  /** The sender before it and after it. */
  readonly sender: Session;
  readonly session: Session;
}

function send(sender: Session, fill: number): Sent {
  return { sender, ...encrypt(p, sender, filled(100, fill), SIZE) };
}

/** The second message of a new chain: its sender stands in the chain already. */
function sendInNew(sender: Session, fill: number): Sent {
  return send(send(sender, fill).session, fill);
}

function read(receiver: Session, message: Uint8Array): Session {
  const { session, skipped: changes } = decrypt(p, receiver, message, skipped, NOW);
  skipped.apply(changes);
  return session;
}

/** The receiver, and messages it can read: of an old chain, of the newest one, and the first of the next. */
function conversation(): { receiver: Session; sent: readonly Sent[] } {
  const keys = {
    rootKey: filled(32, 1),
    initiatorHeaderKey: filled(32, 2),
    responderHeaderKey: filled(32, 3),
  };
  const [transcript, prekey, answerSeed] = [filled(32, 4), filled(32, 5), filled(64, 6)];
  const remoteRatchetKey = nodeProvider.x25519.keyPair(prekey).publicKey;
  const opening = { header: filled(1_739, 7), expiry: 7 };
  let a = openAsInitiator({ transcript, keys, remoteRatchetKey, answerSeed, opening });
  let b = openAsResponder({ transcript, keys, ratchetSecret: prekey });
  const old = sendInNew(a, 1);
  const known = send(old.session, 2);
  b = read(b, known.message);
  b = answerFirstEpoch(p, b, nodeProvider.mlKem768.keyPair(answerSeed).publicKey);
  const answer = send(b, 3);
  [a, b] = [read(known.session, answer.message), answer.session];
  const early = sendInNew(a, 4);
  const entered = send(early.session, 5);
  b = read(b, entered.message);
  const newest = send(entered.session, 6);
  const proposal = send(b, 7);
  [a, b] = [read(newest.session, proposal.message), proposal.session];
  return { receiver: b, sent: [early, newest, sendInNew(a, 8), old] };
}

const { receiver, sent } = conversation();
const saved = (): string =>
  [encodeSession(receiver), ...[...skipped.rows()].map(({ key }) => key)]
    .map((bytes) => Buffer.from(bytes).toString('latin1'))
    .join();
const before = saved();

/** The message with its header and body changed inside. Long jumps are work, and have a test: they are made short here. */
function forged(
  { message, sender }: Sent,
  changeHeader: (header: Uint8Array) => Uint8Array,
  changeBody: (body: Uint8Array) => Uint8Array,
): Uint8Array {
  const { sending, transcript } = sender;
  if (sending === null) throw new TypeError('no chain');
  const gcm = nodeProvider.aes256Gcm;
  const open = (chainKey: Uint8Array, salt: Uint8Array) =>
    messageSecrets(nodeProvider, messageKeyOf(nodeProvider, chainKey), salt);
  const plain = gcm.open(sending.headerKey, message.subarray(0, 12), transcript, message.subarray(12, HEAD));
  const was = open(sending.chainKey, plain.subarray(44, 60));
  const head = message.subarray(0, HEAD);
  const body = gcm.open(was.key, was.nonce, concat(transcript, head), message.subarray(HEAD));

  const header = changeHeader(plain.slice());
  const view = new DataView(header.buffer, header.byteOffset);
  for (const at of [32, 36]) if (view.getUint16(at) === 0) view.setUint8(at + 2, 0);
  let { chainKey } = sending;
  for (let n = sending.n; n < Math.min(view.getUint32(36), sending.n + 256); n++) {
    chainKey = nextChainKey(nodeProvider, chainKey);
  }
  const { key, nonce, headerNonce } = open(chainKey, header.subarray(44, 60));
  const sealedHeader = gcm.seal(sending.headerKey, headerNonce, transcript, header);
  const changed = changeBody(body);
  const sealedBody = gcm.seal(key, nonce, concat(transcript, headerNonce, sealedHeader), changed);
  return concat(headerNonce, sealedHeader, sealedBody);
}

export function fuzz(data: Uint8Array): void {
  const [choice = 0] = data;
  const rest = data.subarray(1);
  const valid = sent[choice % sent.length] as Sent;
  const kind = (choice >> 2) % 4;
  let message = rest;
  if (kind === 1) message = laidOver(valid.message, rest);
  if (kind === 2)
    message = forged(
      valid,
      (header) => laidOver(header, rest),
      (body) => body,
    );
  if (kind === 3) {
    const [whole = 0] = rest;
    const replace = (body: Uint8Array): Uint8Array => {
      const other = filled(body.length, 0);
      other.set(rest.subarray(1, 1 + body.length));
      return other;
    };
    const change = whole < 128 ? (body: Uint8Array) => laidOver(body, rest.subarray(1)) : replace;
    message = forged(valid, (header) => header, change);
  }
  try {
    const { session } = decrypt(p, receiver, message, skipped, NOW);
    if (kind < 2) {
      const known = sent.some((one) => Buffer.compare(one.message, message) === 0);
      assert.ok(known, 'a stranger made something that is accepted');
    }
    const row = encodeSession(session);
    assert.equal(Buffer.compare(encodeSession(decodeSession(row)), row), 0);
  } catch (error) {
    const refused = error instanceof MalformedError || error instanceof CryptoError;
    if (!refused && !(error instanceof KemError)) throw error;
    assert.notEqual(Buffer.compare(message, valid.message), 0, 'an honest message is refused');
  }
  assert.equal(saved(), before, 'nothing has changed');
}
