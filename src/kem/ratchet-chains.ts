/**
 * Receiving chains of KR1: going forward in one, and the step to the next. Double Ratchet spec, sections 2.6, 3.5 and
 * 4.4 (SkipMessageKeysHE, DHRatchetHE). The keys of messages that are left behind are returned, not kept: see
 * skipped-keys.ts. Only headers that opened come here, so the work that is done is for the peer alone.
 */

import { wipe } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { KemError } from './errors.ts';
import { stepReceiving } from './pq-epochs.ts';
import { deriveEpochKeys, messageKeyOf, nextChainKey, rootStep, type EpochKeys } from './ratchet-keys.ts';
import type { RatchetHeader } from './ratchet-message.ts';
import { MAX_OLD_CHAINS, type OldChain, type ReceivingChain, type Session } from './session.ts';
import type { SkippedChanges, SkippedKeyRow } from './skipped-keys.ts';

/** Missing messages that one may bridge, in both chains it touches (libsignal's MAX_FORWARD_JUMPS): 0.1 s of work. */
export const MAX_JUMP = 25_000;

/** The same while the initiator is not proven and may be anybody: 4 ms of work, and as many rows. */
export const MAX_UNPROVEN_JUMP = 256;

/** A skipped key is kept while the newest message of its chain is fewer than this ahead: bounds the rows of a chain. */
export const MAX_SKIPPED = 2_000;

/** Skipped keys and old chains are kept for so long: twice what mail lives at its holders. */
export const SKIPPED_LIFE_MS = 30 * 24 * 3_600_000;

/** What a header alone leads to, before the body has been opened. */
export interface Advance {
  readonly session: Session;
  readonly messageKey: Uint8Array;
  readonly skipped: SkippedChanges;
  /** Messages that this one shows to have been sent before it and not come yet, and that none showed before. */
  readonly missing: number;
  readonly epochKeys: EpochKeys | null;
}

/** The lowest number whose key is kept when `newest` is the highest that was reached in a chain. */
export function keptFrom(newest: number): number {
  return Math.max(0, newest - MAX_SKIPPED + 1);
}

/** Goes to message `header.n` of the newest chain, which is not behind it. Throws KemError TOO_FAR_AHEAD. */
export function advance(
  provider: Provider,
  session: Session,
  chain: ReceivingChain,
  { n }: RatchetHeader,
  now: number,
): Advance {
  requireNear(session, n - chain.n);
  const there = skipTo(provider, chain, n, keptFrom(n), now);
  const { messageKey, receiving } = take(provider, there.chain);
  if (there.chain !== chain) wipe(there.chain.chainKey);
  return {
    session: { ...session, receiving },
    messageKey,
    missing: n - chain.n,
    skipped: {
      droppedChains: [],
      droppedBelow: droppedBelow(chain, n),
      used: null,
      added: there.added,
    },
    epochKeys: null,
  };
}

/**
 * The receiving step: finishes the newest chain at `header.pn`, and goes to `header.n` of the one that begins. The own
 * ratchet secret is used for the last time. Throws KemError TOO_FAR_AHEAD, WRONG_EPOCH, and CryptoError on a
 * ratchet key of small order.
 */
export function receivingStep(
  provider: Provider,
  session: Session,
  ratchetSecret: Uint8Array,
  header: RatchetHeader,
  now: number,
): Advance {
  const { receiving } = session;
  const left = Math.max(0, header.pn - (receiving?.n ?? header.pn));
  requireNear(session, left + header.n);
  const entered = stepReceiving(session.pq, header.epoch);
  if (entered === null) throw wrongEpoch();
  const pair = session.ratchetPair ?? provider.x25519.keyPair(ratchetSecret);
  const agreed = pair.agree(header.ratchetKey);
  const step = rootStep(provider, session.rootKey, agreed, entered.secret, header.epoch);
  const old =
    receiving === null ? null : skipTo(provider, receiving, header.pn, keptFrom(header.pn - 1), now);
  if (old !== null && old.chain !== receiving) wipe(old.chain.chainKey);
  const first: ReceivingChain = {
    id: receiving === null ? 0 : receiving.id + 1,
    headerKey: session.nextReceivingHeaderKey,
    chainKey: step.chainKey,
    n: 0,
  };
  const there = skipTo(provider, first, header.n, keptFrom(header.n), now);
  const taken = take(provider, there.chain);
  wipe(there.chain.chainKey);
  const chains = oldChainsAfter(session, now);
  return {
    session: {
      ...session,
      rootKey: step.rootKey,
      ratchetSecret: null,
      ratchetPair: null,
      remoteRatchetKey: header.ratchetKey,
      sending: null,
      previousLength: session.sending?.n ?? 0,
      nextReceivingHeaderKey: step.nextHeaderKey,
      receiving: taken.receiving,
      oldChains: chains.kept,
      pq: entered.state,
      remoteEpoch: header.epoch,
    },
    messageKey: taken.messageKey,
    missing: left + header.n,
    skipped: {
      droppedChains: chains.dropped,
      droppedBelow: receiving === null ? null : droppedBelow(receiving, header.pn - 1),
      used: null,
      added: old === null ? there.added : [...old.added, ...there.added],
    },
    epochKeys:
      step.epochSecret === null
        ? null
        : deriveEpochKeys(provider, step.epochSecret, header.epoch, session.role),
  };
}

/** A peer that names an epoch which is not the chain's, or which it cannot have entered. */
export function wrongEpoch(): KemError {
  return new KemError('WRONG_EPOCH', 'the message names an epoch that its sender cannot be in', {
    hint: 'The other side is broken or hostile; the message is dropped and the session goes on.',
  });
}

function requireNear(session: Session, missing: number): void {
  const isStranger = session.role === 'responder' && session.pq.epoch === 0;
  const bridged = isStranger ? MAX_UNPROVEN_JUMP : MAX_JUMP;
  if (missing <= bridged) return;
  throw new KemError('TOO_FAR_AHEAD', 'too many messages are missing before this one', {
    hint: 'So much was lost that a new session has to be opened.',
    data: { missing, bridged },
  });
}

/** The chain at message `n`, and the keys on the way from number `from` on. A chain that is there already stays. */
function skipTo(
  provider: Provider,
  chain: ReceivingChain,
  n: number,
  from: number,
  now: number,
): { readonly chain: ReceivingChain; readonly added: SkippedKeyRow[] } {
  const added: SkippedKeyRow[] = [];
  if (n <= chain.n) return { chain, added };
  let { chainKey } = chain;
  for (let i = chain.n; i < n; i++) {
    if (i >= from) {
      const key = messageKeyOf(provider, chainKey);
      added.push({ chain: chain.id, n: i, key, expiresAt: Math.floor(now) + SKIPPED_LIFE_MS });
    }
    const next = nextChainKey(provider, chainKey);
    if (i > chain.n) wipe(chainKey);
    chainKey = next;
  }
  return { chain: { ...chain, chainKey, n }, added };
}

/** The key of the message that a chain stands at, and the chain after it. */
function take(
  provider: Provider,
  chain: ReceivingChain,
): { readonly messageKey: Uint8Array; readonly receiving: ReceivingChain } {
  const messageKey = messageKeyOf(provider, chain.chainKey);
  const chainKey = nextChainKey(provider, chain.chainKey);
  return { messageKey, receiving: { ...chain, chainKey, n: chain.n + 1 } };
}

function droppedBelow(chain: ReceivingChain, newest: number): SkippedChanges['droppedBelow'] {
  const bound = keptFrom(newest);
  return bound > keptFrom(chain.n - 1) ? { chain: chain.id, n: bound } : null;
}

/** The old chains once the newest has become one of them; what has expired or is too many goes. */
function oldChainsAfter(session: Session, now: number): { kept: OldChain[]; dropped: number[] } {
  const { receiving, remoteEpoch } = session;
  const kept = session.oldChains.filter(({ expiresAt }) => expiresAt > now);
  if (receiving !== null) {
    const { id, headerKey } = receiving;
    kept.push({ id, headerKey, epoch: remoteEpoch, expiresAt: Math.floor(now) + SKIPPED_LIFE_MS });
  }
  kept.splice(0, Math.max(0, kept.length - MAX_OLD_CHAINS));
  const ids = new Set(kept.map(({ id }) => id));
  return { kept, dropped: session.oldChains.map(({ id }) => id).filter((id) => !ids.has(id)) };
}
