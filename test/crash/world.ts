/**
 * What the people of one story share: a clock that stands still until the story moves it, randomness from one seed, and
 * a provider that notices when a key and nonce seal two different things. With all three a story that failed can be
 * told again, up to what the engine's own timers do.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Aead, Provider } from '../../src/safety/crypto/provider.ts';
import type { RandomBytes } from '../../src/safety/random.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { ManualClock } from '../manual-clock.ts';

/** A Saturday in 2026: bundles have dates. */
const EPOCH_MS = Date.UTC(2026, 10, 21);

/**
 * A new directory for stories. In memory where there is a place: a process that ends leaves what it wrote with the
 * system, so a disk would only be slower. Short, because unix socket paths below it must stay under 104 bytes.
 */
export function storyDir(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kc-'));
}

export class World {
  readonly clock: ManualClock;
  readonly chance: () => number;
  readonly random: RandomBytes;
  readonly provider: Provider;
  /** A directory of the story's own. */
  readonly dir: string;
  /** Steps of everybody so far. */
  steps = 0;
  /** At this step whoever takes it ends. */
  fuse = Infinity;
  /** What the step was that the last process ended at. */
  lastStep = '';
  readonly #seals = new Map<string, string>();
  #reused = 0;

  /** `startMs`: where it goes on from disks of another world, whose random bytes it must not draw again. */
  constructor(seed: number, dir: string, startMs = EPOCH_MS) {
    this.clock = new ManualClock(startMs);
    this.chance = seededChance(seed);
    this.random = seededBytes(`${seed}/${startMs}`);
    this.dir = dir;
    this.provider = {
      ...nodeProvider,
      aes256Gcm: this.#watched('aes', nodeProvider.aes256Gcm),
      chaCha20Poly1305: this.#watched('chacha', nodeProvider.chaCha20Poly1305),
    };
  }

  /** How often a key and nonce sealed something else than before. */
  get reused(): number {
    return this.#reused;
  }

  get seals(): number {
    return this.#seals.size;
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.chance() * below);
  }

  #watched(name: string, aead: Aead): Aead {
    return {
      ...aead,
      open: (...given) => aead.open(...given),
      seal: (key, nonce, aad, ...plaintext) => {
        const place = digest(name, key, nonce);
        const what = digest('', aad, Uint8Array.of(0), ...plaintext);
        const before = this.#seals.get(place);
        if (before === undefined) this.#seals.set(place, what);
        else if (before !== what) this.#reused++;
        return aead.seal(key, nonce, aad, ...plaintext);
      },
    };
  }
}

function digest(name: string, ...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(name);
  for (const part of parts) hash.update(part);
  return hash.digest('latin1').slice(0, 16);
}

/** For tests alone: everything it gives is known from the seed. */
function seededBytes(seed: string): RandomBytes {
  let counter = 0;
  return (size) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 32) {
      const block = createHash('sha256').update(`crash/${seed}/${counter++}`).digest();
      bytes.set(block.subarray(0, Math.min(32, size - at)), at);
    }
    return bytes;
  };
}
