/**
 * A session as the bytes of one row. Never sent anywhere; a store seals it, for nearly all of it is secret. Small
 * whatever the peer does: skipped keys are rows of their own. docs/wire.md, "Saved session".
 *
 * Canonical: a state has one encoding, and what decodes is a state that the ratchet can be in, as far as form tells. The
 * decoder proves nothing about whether it is the newest: going on from an old one is what session.ts warns of.
 */

import { MalformedError } from '../safety/errors.ts';
import { type PqState, proposes } from './pq-epochs.ts';
import { MAX_CHAIN_MESSAGES } from './ratchet-message.ts';
import { MAX_OLD_CHAINS, type OldChain, type Session, type SessionRole } from './session.ts';
import { SavedRow } from './saved-row.ts';

const VERSION = 1;
/** Limit on an encoded session, for who keeps it; the largest that is made has 2,120 bytes. */
export const MAX_SESSION_BYTES = 6_144;

const KEY_BYTES = 32;
const OPENING_BYTES = 1_739;
const SEED_BYTES = 64;
const KEM_KEY_BYTES = 1_184;
const KEM_CIPHERTEXT_BYTES = 1_088;
/** Version, role, parts, mode, number of old chains, four keys and three numbers. */
const HEAD_BYTES = 5 + 4 * KEY_BYTES + 3 * 4;
const SENDING_BYTES = 3 * KEY_BYTES + 4;
const RECEIVING_BYTES = 4 + 2 * KEY_BYTES + 4;
const OLD_CHAIN_BYTES = 4 + KEY_BYTES + 4 + 8;
const SENDING_PART = 1;
const RECEIVING_PART = 2;
const ROLES: readonly SessionRole[] = ['initiator', 'responder'];
const MODES: readonly PqState['mode'][] = ['due', 'propose', 'ready', 'wait', 'answer'];

/** One allocation. Throws RangeError on a state that has no encoding. */
export function encodeSession(session: Session): Uint8Array<ArrayBuffer> {
  const { sending, receiving, oldChains, pq } = session;
  const row = new SavedRow('session', new Uint8Array(sizeOf(session)));
  row.putByte(VERSION);
  row.putByte(ROLES.indexOf(session.role));
  row.putByte((sending === null ? 0 : SENDING_PART) + (receiving === null ? 0 : RECEIVING_PART));
  row.putByte(MODES.indexOf(pq.mode));
  row.putByte(oldChains.length);
  row.put(session.transcript, KEY_BYTES);
  row.put(session.rootKey, KEY_BYTES);
  row.put(session.nextSendingHeaderKey, KEY_BYTES);
  row.put(session.nextReceivingHeaderKey, KEY_BYTES);
  row.putU32(session.previousLength);
  row.putU32(session.remoteEpoch);
  row.putU32(pq.epoch);
  if (session.opening !== null) {
    row.put(session.opening.header, OPENING_BYTES);
    row.putU64(session.opening.expiry);
  }
  if (session.remoteRatchetKey !== null) row.put(session.remoteRatchetKey, KEY_BYTES);
  if (session.ratchetSecret !== null) row.put(session.ratchetSecret, KEY_BYTES);
  if (sending !== null) {
    row.put(sending.ratchetKey, KEY_BYTES);
    row.put(sending.headerKey, KEY_BYTES);
    row.put(sending.chainKey, KEY_BYTES);
    row.putU32(sending.n);
  }
  if (receiving !== null) {
    row.putU32(receiving.id);
    row.put(receiving.headerKey, KEY_BYTES);
    row.put(receiving.chainKey, KEY_BYTES);
    row.putU32(receiving.n);
  }
  for (const chain of oldChains) {
    row.putU32(chain.id);
    row.put(chain.headerKey, KEY_BYTES);
    row.putU32(chain.epoch);
    row.putU64(chain.expiresAt);
  }
  if (pq.mode === 'propose') {
    row.put(pq.seed, SEED_BYTES);
    if (pq.key !== null) row.put(pq.key, KEM_KEY_BYTES);
  }
  if (pq.mode === 'answer') row.put(pq.ciphertext, KEM_CIPHERTEXT_BYTES);
  if (pq.mode === 'ready' || pq.mode === 'answer') row.put(pq.secret, KEY_BYTES);
  return row.bytes;
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeSession(bytes: Uint8Array): Session {
  const row = new SavedRow('session', bytes);
  if (row.takeByte() !== VERSION) throw malformed('unknown version');
  const role = ROLES[row.takeByte()];
  const parts = row.takeByte();
  const mode = MODES[row.takeByte()];
  const oldCount = row.takeByte();
  if (role === undefined || mode === undefined || parts > 3 || oldCount > MAX_OLD_CHAINS) {
    throw malformed('unknown role, parts or mode');
  }
  const transcript = row.take(KEY_BYTES);
  const rootKey = row.take(KEY_BYTES);
  const nextSendingHeaderKey = row.take(KEY_BYTES);
  const nextReceivingHeaderKey = row.take(KEY_BYTES);
  const previousLength = row.takeU32();
  const remoteEpoch = row.takeU32();
  const epoch = row.takeU32();
  const [sends, receives] = [(parts & SENDING_PART) !== 0, (parts & RECEIVING_PART) !== 0];
  const initiates = role === 'initiator';
  const session: Session = {
    role,
    transcript,
    // what else is there follows from what has been sent and received
    opening: initiates && !receives ? { header: row.take(OPENING_BYTES), expiry: row.takeU64() } : null,
    rootKey,
    remoteRatchetKey: initiates || receives ? row.take(KEY_BYTES) : null,
    ratchetPair: null,
    ratchetSecret: sends || !(initiates || receives) ? row.take(KEY_BYTES) : null,
    sending: sends
      ? {
          ratchetKey: row.take(KEY_BYTES),
          headerKey: row.take(KEY_BYTES),
          chainKey: row.take(KEY_BYTES),
          n: row.takeU32(),
        }
      : null,
    previousLength,
    nextSendingHeaderKey,
    nextReceivingHeaderKey,
    receiving: receives
      ? {
          id: row.takeU32(),
          headerKey: row.take(KEY_BYTES),
          chainKey: row.take(KEY_BYTES),
          n: row.takeU32(),
        }
      : null,
    oldChains: Array.from({ length: oldCount }, () => takeOldChain(row)),
    pq: takePqState(row, mode, epoch),
    remoteEpoch,
  };
  row.requireEnd();
  requirePossible(session);
  return session;
}

function takeOldChain(row: SavedRow): OldChain {
  return {
    id: row.takeU32(),
    headerKey: row.take(KEY_BYTES),
    epoch: row.takeU32(),
    expiresAt: row.takeU64(),
  };
}

function takePqState(row: SavedRow, mode: PqState['mode'], epoch: number): PqState {
  switch (mode) {
    case 'propose': {
      const seed = row.take(SEED_BYTES);
      return { mode, epoch, seed, key: epoch === 0 ? null : row.take(KEM_KEY_BYTES), pair: null };
    }
    case 'answer':
      return { mode, epoch, ciphertext: row.take(KEM_CIPHERTEXT_BYTES), secret: row.take(KEY_BYTES) };
    case 'ready':
      return { mode, epoch, secret: row.take(KEY_BYTES) };
    default:
      return { mode, epoch };
  }
}

/** Throws MalformedError on numbers and combinations that no ratchet comes to. */
function requirePossible({ role, sending, receiving, oldChains, pq, ...session }: Session): void {
  if (role === 'responder' && receiving === null && sending !== null) throw malformed('spoke first');
  if (session.previousLength > MAX_CHAIN_MESSAGES) throw malformed('impossible count');
  for (const chain of [sending, receiving]) {
    if (chain !== null && (chain.n === 0 || chain.n > MAX_CHAIN_MESSAGES))
      throw malformed('impossible count');
  }
  const ahead = pq.epoch - session.remoteEpoch;
  if (ahead !== 0 && ahead !== 1) throw malformed('impossible epoch');
  if (receiving === null && (pq.epoch !== 0 || oldChains.length > 0)) throw malformed('nothing was received');
  const isProposer = pq.mode === 'due' || pq.mode === 'propose' || pq.mode === 'ready';
  if (isProposer !== proposes(role, pq.epoch + 1)) throw malformed('out of turn');
  if (pq.mode === 'due' && pq.epoch === 0) throw malformed('the first proposal is never due');
  let after = receiving?.id ?? 0;
  for (const { id } of oldChains.toReversed()) {
    if (id >= after) throw malformed('old chains out of order');
    after = id;
  }
}

function sizeOf({ sending, receiving, oldChains, pq, ...session }: Session): number {
  let size = HEAD_BYTES + oldChains.length * OLD_CHAIN_BYTES;
  if (session.opening !== null) size += OPENING_BYTES + 8;
  if (session.remoteRatchetKey !== null) size += KEY_BYTES;
  if (session.ratchetSecret !== null) size += KEY_BYTES;
  if (sending !== null) size += SENDING_BYTES;
  if (receiving !== null) size += RECEIVING_BYTES;
  if (pq.mode === 'propose') size += SEED_BYTES + (pq.key === null ? 0 : KEM_KEY_BYTES);
  if (pq.mode === 'answer') size += KEM_CIPHERTEXT_BYTES + KEY_BYTES;
  if (pq.mode === 'ready') size += KEY_BYTES;
  return size;
}

function malformed(what: string): MalformedError {
  return new MalformedError('session', what);
}
