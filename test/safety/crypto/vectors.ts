/** Public vector files beside the repository; suites that need them say visibly that they were skipped. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../shared/vectors/', import.meta.url));

/** `false` when the folder is there, otherwise the reason to skip. */
export const vectorsMissing: string | false = existsSync(folder)
  ? false
  : 'the folder ../shared/vectors with the public test vectors is not there';

export interface WycheproofTest {
  readonly tcId: number;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly [field: string]: unknown;
}

export interface WycheproofGroup {
  readonly tests: readonly WycheproofTest[];
  readonly type?: string;
  readonly publicKey?: { readonly pk: string };
}

/** The groups of one Wycheproof file. */
export function wycheproof(name: string): readonly WycheproofGroup[] {
  const text = readFileSync(`${folder}wycheproof/${name}.json`, 'utf8');
  return (JSON.parse(text) as { testGroups: readonly WycheproofGroup[] }).testGroups;
}

/** A field of a test as bytes. */
export function bytesOf(test: WycheproofTest, field: string): Uint8Array {
  return Uint8Array.from(Buffer.from(String(test[field]), 'hex'));
}
