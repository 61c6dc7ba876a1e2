/** The fuzz targets of the repository: `fuzz/<name>.fuzz.ts` in Jazzer's form, with seeds in `fuzz/corpus/<name>/`. */

import { globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Target {
  readonly name: string;
  /** Returns for accepted and for refused input; throws when it found a bug. */
  readonly fuzz: (data: Uint8Array) => void;
}

export const fuzzFolder = import.meta.dirname;

/** Names of all targets, sorted. */
export function targetNames(): string[] {
  return globSync('*.fuzz.ts', { cwd: fuzzFolder })
    .map((file) => basename(file, '.fuzz.ts'))
    .toSorted();
}

export async function loadTarget(name: string): Promise<Target> {
  const { fuzz } = (await import(`./${name}.fuzz.ts`)) as Partial<Target>;
  if (typeof fuzz !== 'function') throw new TypeError(`fuzz/${name}.fuzz.ts does not export fuzz(data)`);
  return { name, fuzz };
}

/** The seeds of a target; none when it has no folder. */
export function readCorpus(name: string): Uint8Array[] {
  const folder = join(fuzzFolder, 'corpus', name);
  try {
    return readdirSync(folder)
      .toSorted()
      .map((file) => new Uint8Array(readFileSync(join(folder, file))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
