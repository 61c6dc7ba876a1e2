/** The small version of test/load/onion.load.ts: the same attackers through real tor, fewer and shorter. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOnionLoad } from '../load/onion.load.ts';
import { useTestnet } from '../testnet.ts';

test('an onion serves honest dialers within 5 s while hostile ones come through tor', async () => {
  const result = await runOnionLoad(await useTestnet(), { connections: 20, seconds: 4, dials: 4 });
  const text = JSON.stringify(result);
  assert.equal(result.served, 4, text);
  assert.ok(
    Object.values(result.opened).every((count) => count >= 3),
    text,
  );
  assert.ok(result.refused >= 4, text);
  assert.ok(result.rssGrowthMb <= 60, text);
  assert.deepEqual(result.left, [], text);
});
