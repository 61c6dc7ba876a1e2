/** Every decoder has a fuzz target with seeds; each runs its seeds and 2,000 seeded random inputs here. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatsWithoutTarget } from '../dev/fuzz-targets.ts';
import { Mutator, seededNumbers } from '../fuzz/mutate.ts';
import { loadTarget, readCorpus, targetNames } from '../fuzz/targets.ts';

const INPUTS = 2_000;
/** Longest input, in bytes. */
const MAX_SIZE = 2_048;

for (const name of targetNames()) {
  test(`${name} survives its seeds and ${INPUTS} more`, async () => {
    const { fuzz } = await loadTarget(name);
    const corpus = readCorpus(name);
    assert.ok(corpus.length > 0, `fuzz/corpus/${name} holds at least one seed`);
    for (const input of corpus) fuzz(input);
    const mutator = new Mutator(1, MAX_SIZE);
    for (let i = 0; i < INPUTS; i++) {
      const input = mutator.next(corpus);
      try {
        fuzz(input);
      } catch (error) {
        throw new Error(`input ${i}: ${Buffer.from(input).toString('hex')}`, { cause: error });
      }
    }
  });
}

test('every format that a decoder names has a target', () => {
  assert.deepEqual(formatsWithoutTarget(), []);
});

test('the same seed gives the same inputs, another seed others', () => {
  const corpus = [Uint8Array.of(1, 2, 3, 4)];
  const take = (seed: number): string[] => {
    const mutator = new Mutator(seed, 64);
    return Array.from({ length: 200 }, () => Buffer.from(mutator.next(corpus)).toString('hex'));
  };
  assert.deepEqual(take(7), take(7));
  assert.notDeepEqual(take(7), take(8));
  assert.ok(take(7).every((input) => input.length <= 2 * 64));
  assert.ok(new Set(take(7)).size > 100, 'they differ among themselves');
});

test('the seeded numbers fill their range', () => {
  const next = seededNumbers(3);
  let all = 0;
  for (let i = 0; i < 200; i++) all |= next();
  assert.equal(all >>> 0, 0xffffffff);
});
