import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { type GossipSubComponents, gossipsub } from '@libp2p/gossipsub';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { RETAIN_SCORE_MS } from '../../src/gossip/limits.ts';
import { gossipsubOptions } from '../../src/gossip/options.ts';
import { noLogging } from '../../src/net/persona/no-logging.ts';

interface Scores {
  readonly size: number;
  addPeer(id: string): void;
  removePeer(id: string): void;
  refreshScores(): void;
}

test('peers that come and go fill the scores for minutes, not hours', async (t) => {
  const privateKey = await generateKeyPair('Ed25519');
  const peerId = peerIdFromPrivateKey(privateKey);
  const parts: Partial<GossipSubComponents> = { privateKey, peerId, logger: noLogging };
  const service: unknown = gossipsub(gossipsubOptions([], 5_000))(parts as GossipSubComponents);
  const { score } = service as { score: Scores };
  let nowMs = 1_700_000_000_000;
  t.mock.method(Date, 'now', () => nowMs);
  for (let i = 0; i < 100; i++) {
    score.addPeer(`fresh key ${i}`);
    score.removePeer(`fresh key ${i}`);
  }
  assert.equal(score.size, 100);
  assert.ok(RETAIN_SCORE_MS <= 10 * 60_000);
  nowMs += RETAIN_SCORE_MS + 1;
  score.refreshScores();
  assert.equal(score.size, 0);
});
