/**
 * Message keys of messages that have not come yet, beside the session: rows of their own, so that using one deletes one
 * row and a session stays small. Decryption reads them through {@link SkippedKeys} and returns what changes; the caller
 * commits that with the session, in one transaction. Double Ratchet spec, section 2.6.
 */

import { wipe } from '../safety/bytes.ts';
import { requireTime } from './primitives.ts';

export interface SkippedKey {
  /** 32 bytes, secret. */
  readonly key: Uint8Array;
  /** Milliseconds since 1970; from then on it is as if it were not there. */
  readonly expiresAt: number;
}

/** What decryption needs to look at. */
export interface SkippedKeys {
  /** The key of message `n` of the receiving chain `chain` of this session, or null. */
  get(chain: number, n: number): SkippedKey | null;
}

/** A skipped key with its place. */
export interface SkippedKeyRow extends SkippedKey {
  readonly chain: number;
  readonly n: number;
}

/** To be applied in the order of the fields, with the session that came with it. */
export interface SkippedChanges {
  /** All keys of these chains go. */
  readonly droppedChains: readonly number[];
  /** The keys of `chain` with a lower number than `n` go. */
  readonly droppedBelow: { readonly chain: number; readonly n: number } | null;
  /** This key goes: its message was decrypted. */
  readonly used: { readonly chain: number; readonly n: number } | null;
  /** These keys are new. */
  readonly added: readonly SkippedKeyRow[];
}

/** The skipped keys of one session in memory. Owns the keys that are added, and wipes those that go. */
export class SkippedKeyMap implements SkippedKeys {
  readonly #chains = new Map<number, Map<number, SkippedKey>>();

  /** Keys that are there, expired ones included. */
  get size(): number {
    let size = 0;
    for (const keys of this.#chains.values()) size += keys.size;
    return size;
  }

  get(chain: number, n: number): SkippedKey | null {
    return this.#chains.get(chain)?.get(n) ?? null;
  }

  apply(changes: SkippedChanges): void {
    for (const chain of changes.droppedChains) this.#dropWhere(chain, () => true);
    if (changes.droppedBelow !== null) {
      const { chain, n: bound } = changes.droppedBelow;
      this.#dropWhere(chain, (n) => n < bound);
    }
    if (changes.used !== null) {
      const { chain, n: used } = changes.used;
      this.#dropWhere(chain, (n) => n === used);
    }
    for (const { chain, n, key, expiresAt } of changes.added) {
      const keys = this.#chains.get(chain) ?? new Map<number, SkippedKey>();
      this.#chains.set(chain, keys.set(n, { key, expiresAt }));
    }
  }

  /** Drops what has expired at `now` (milliseconds since 1970): to be called now and then. Throws RangeError on no time. */
  dropExpired(now: number): void {
    requireTime(now);
    for (const chain of this.#chains.keys()) this.#dropWhere(chain, (_, { expiresAt }) => expiresAt <= now);
  }

  /** All of them, for saving. */
  *rows(): Generator<SkippedKeyRow> {
    for (const [chain, keys] of this.#chains) for (const [n, key] of keys) yield { chain, n, ...key };
  }

  #dropWhere(chain: number, goes: (n: number, key: SkippedKey) => boolean): void {
    const keys = this.#chains.get(chain);
    if (keys === undefined) return;
    for (const [n, skipped] of keys) {
      if (!goes(n, skipped)) continue;
      wipe(skipped.key);
      keys.delete(n);
    }
    if (keys.size === 0) this.#chains.delete(chain);
  }
}
