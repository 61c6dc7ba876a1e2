import assert from 'node:assert/strict';
import { test } from 'node:test';
import { story } from './crash-story.ts';
import { NO_FAULTS } from './wire.ts';

test('a crash at any step of either side loses nothing, repeats nothing and reuses no key', async () => {
  const { crashes, applied } = await story(1, NO_FAULTS, 50);
  assert.ok(crashes >= 50 && applied > 100);
});

test('the same over a way that loses, repeats and reorders', async () => {
  const { crashes, applied } = await story(2, { loss: 0.1, repeat: 0.2, jitter: 6 }, 30);
  assert.ok(crashes >= 30 && applied > 50);
});
