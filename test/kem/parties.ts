/** People with keys, for tests: seeded where it helps, on the node provider unless told. */

import { randomBytes } from 'node:crypto';
import assert from 'node:assert/strict';
import { type VerifiedBundle, verifyBundle } from '../../src/kem/bundle.ts';
import { KemError, type KemErrorCode } from '../../src/kem/errors.ts';
import { generateIdentity, Identity, type IdentitySecrets } from '../../src/kem/identity.ts';
import { type Opening, readOpening } from '../../src/kem/kx1.ts';
import type { ResponderKeys } from '../../src/kem/kx1-responder.ts';
import { encryptOpening, type Initiated, initiate } from '../../src/kem/kx1-initiator.ts';
import { generateOneTimePrekey, type OneTimePrekey } from '../../src/kem/one-time-prekey.ts';
import { generatePrekeys, type Prekeys } from '../../src/kem/prekeys.ts';
import type { Primitives } from '../../src/kem/primitives.ts';
import { toHex, utf8 } from '../../src/safety/bytes.ts';
import { CryptoError } from '../../src/safety/crypto/provider.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';

export const NOW = Date.UTC(2026, 10, 21);
export const DAY = 24 * 60 * 60 * 1000;

export const node: Primitives = {
  provider: nodeProvider,
  random: (size) => Uint8Array.from(randomBytes(size)),
};

/** One side: its keys, and what it would keep on disk. */
export class Party {
  readonly secrets: IdentitySecrets;
  readonly identity: Identity;
  prekeys: Prekeys[];
  readonly oneTime = new Map<number, OneTimePrekey>();
  readonly replays = new Set<string>();
  readonly keys: ResponderKeys;

  constructor(secrets: IdentitySecrets = generateIdentity(node), now: number = NOW) {
    this.secrets = secrets;
    this.identity = new Identity(nodeProvider, secrets);
    this.prekeys = [generatePrekeys(node, this.identity, [], now)];
    const prekeys = (): readonly Prekeys[] => this.prekeys;
    this.keys = {
      identity: this.identity,
      get prekeys() {
        return prekeys();
      },
      oneTimePrekey: (id) => this.oneTime.get(id) ?? null,
      isReplayed: (id) => this.replays.has(toHex(id)),
    };
  }

  get newest(): Prekeys {
    return this.prekeys[0] as Prekeys;
  }

  get bundle(): Uint8Array {
    return this.newest.secrets.bundle;
  }

  verified(now: number = NOW): VerifiedBundle {
    return verifyBundle(nodeProvider, this.bundle, now);
  }

  invite(): OneTimePrekey {
    const oneTime = generateOneTimePrekey(node, []);
    this.oneTime.set(oneTime.id, oneTime);
    return oneTime;
  }
}

export interface Made extends Initiated {
  readonly plaintext: Uint8Array;
  readonly opening: Opening;
}

/** A first contact of `a` to a bundle, and its first message. */
export function contactTo(
  a: Party,
  peer: VerifiedBundle,
  content: Uint8Array = utf8('hello'),
  more: Partial<Parameters<typeof initiate>[1]> = {},
): Made {
  const initiated = initiate(node, { identity: a.identity, prekeys: a.newest, peer, now: NOW, ...more });
  const { session, plaintext } = encryptOpening(node, initiated.session, a.prekeys, content, NOW);
  return { ...initiated, session, plaintext, opening: readOpening(nodeProvider, plaintext) };
}

/** Whether `run` is refused in a typed way; anything else than a typed refusal is thrown. */
export function isRefused(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof KemError || error instanceof MalformedError || error instanceof CryptoError)
      return true;
    throw error;
  }
}

/** Asserts that `run` throws a KemError with this code. */
export function refuses(code: KemErrorCode, run: () => unknown): void {
  assert.throws(run, (error) => error instanceof KemError && error.code === code, code);
}
