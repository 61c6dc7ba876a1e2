/** The small version of test/load/acceptor.load.ts: the same attackers, fewer and shorter. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLoad } from '../load/acceptor.load.ts';

test('honest dialers are served within 5 s while 150 hostile connections keep coming', async () => {
  const result = await runLoad({ connections: 150, seconds: 5, dials: 6 });
  const text = JSON.stringify(result);
  assert.equal(result.served, 6, text);
  assert.ok(
    Object.values(result.opened).every((count) => count >= 30),
    text,
  );
  assert.ok(result.maxPending > 50 && result.refused > 60, text);
  assert.ok(result.rssGrowthMb <= 60, text);
  assert.deepEqual(result.left, [], text);
});
