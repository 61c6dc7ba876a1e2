/** Public vector files beside the repository; suites that need them say visibly that they were skipped. */

import { existsSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryptoError } from '../../../src/safety/crypto/provider.ts';

const folder = fileURLToPath(new URL('../../../../shared/vectors/', import.meta.url));

/** `false` when the folder is there, otherwise the reason to skip. */
export const vectorsMissing: string | false = existsSync(folder)
  ? false
  : 'the folder ../shared/vectors with the public test vectors is not there';

/** One vector: values of any kind, byte strings in hex. */
export type Vector = Readonly<Record<string, unknown>>;

export interface WycheproofTest extends Vector {
  readonly tcId: number;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

export interface WycheproofGroup extends Vector {
  readonly tests: readonly WycheproofTest[];
}

/** A JSON file of the folder. */
export function vectorFile(path: string): unknown {
  return JSON.parse(readFileSync(`${folder}${path}`, 'utf8'));
}

/** The groups of one Wycheproof file. */
export function wycheproof(name: string): readonly WycheproofGroup[] {
  return (vectorFile(`wycheproof/${name}.json`) as { testGroups: readonly WycheproofGroup[] }).testGroups;
}

/** A field of a vector as bytes; an absent one has none. */
export function bytesOf(vector: Vector, field: string): Uint8Array {
  return Uint8Array.from(Buffer.from(String(vector[field] ?? ''), 'hex'));
}

/** Whether a provider takes what it is given. Only a typed refusal is a refusal: any other error is thrown on. */
export function accepts(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof CryptoError || error instanceof RangeError) return false;
    throw error;
  }
}

/** How many vectors were run, and how many were skipped, whole or in part, for which reason: printed with the test. */
export class Tally {
  #run = 0;
  readonly #skipped = new Map<string, number>();
  readonly #inPart = new Map<string, number>();

  ran(): void {
    this.#run++;
  }

  skipped(reason: string, count = 1): void {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + count);
  }

  /** The vector just run was not compared in full. */
  inPart(reason: string): void {
    this.#inPart.set(reason, (this.#inPart.get(reason) ?? 0) + 1);
  }

  /** Prints all of it, and gives the number of vectors run. */
  report(t: TestContext): number {
    t.diagnostic(`${this.#run} vectors run`);
    for (const [reason, count] of this.#inPart) t.diagnostic(`${count} of them in part: ${reason}`);
    for (const [reason, count] of this.#skipped) t.diagnostic(`${count} vectors skipped: ${reason}`);
    return this.#run;
  }
}
