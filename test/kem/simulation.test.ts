/** The simulation of sessions holds, is repeatable, and tells what it is there to tell. 200,000 messages: npm run sim. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LossyNetwork } from '../../sim/lossy-network.ts';
import { NonceBook, NonceReusedError } from '../../sim/nonce-book.ts';
import { Oracle, OracleError, type Origin } from '../../sim/oracle.ts';
import { checkContent, makeContent } from '../../sim/contents.ts';
import { WEATHER } from '../../sim/correspondence.ts';
import { type Figures, simulateSessions } from '../../sim/sessions.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Provider } from '../../src/safety/crypto/provider.ts';
import { seededChance } from '../../src/testnet/seeded.ts';

const simulate = (messages: number, seed: number, provider: Provider = nodeProvider): Figures =>
  simulateSessions({ provider, messages, seed });

test('10,000 messages through loss, disorder, deaths and old disks: nothing wrong, no gap unknown, no nonce twice', (t) => {
  const figures = simulate(10_000, 4);
  t.diagnostic(JSON.stringify(figures));
  const { lost, made, delivered, gaps, replaced, epochs, seals, restarts, restores, staleMessages } = figures;
  assert.ok(Math.abs(lost / made - WEATHER.loss) < 0.03);
  assert.equal(delivered + gaps + replaced, made);
  assert.ok(delivered > made / 3);
  assert.ok(epochs > 200 && figures.liveEpoch >= 4, 'epochs advance');
  assert.ok(seals >= 2 * made, 'every message was entered into the book');
  assert.ok(restarts > 100 && restores >= 2 && staleMessages > 0 && figures.sessions >= 3);
});

test('the same seed gives the same run, another seed another', () => {
  const first = simulate(200, 7);
  assert.deepEqual(simulate(200, 7), first);
  assert.notDeepEqual(simulate(200, 8), first);
});

test('without the salt, a key and nonce used again are told', () => {
  const unsalted: Provider = {
    ...nodeProvider,
    hmacSha256: (key, ...parts) => nodeProvider.hmacSha256(key, ...(parts.length === 1 ? parts : [])),
  };
  assert.throws(() => simulate(1_000, 1, unsalted), NonceReusedError);
});

test('the book takes the very same encryption again, and no other under its key and nonce', () => {
  const book = new NonceBook(nodeProvider);
  const { seal } = book.provider.aes256Gcm;
  const [key, nonce, aad] = [new Uint8Array(32), new Uint8Array(12), Uint8Array.of(1)];
  seal(key, nonce, aad, Uint8Array.of(1, 2));
  seal(key, nonce, aad, Uint8Array.of(1), Uint8Array.of(2));
  assert.throws(() => seal(key, nonce, aad, Uint8Array.of(1, 3)), NonceReusedError);
  assert.throws(() => seal(key, nonce, Uint8Array.of(1, 1), Uint8Array.of(2)), NonceReusedError);
  seal(key, new Uint8Array(12).fill(1), aad, Uint8Array.of(1, 3));
  assert.deepEqual([book.seals, book.repeats], [2, 1]);
});

const origin = (id: number, n: number, chain = 'a', pn = 0): Origin => ({
  id,
  from: 0,
  transcript: 't',
  chain,
  n,
  pn,
});

test('the oracle tells what must not be', () => {
  const oracle = new Oracle();
  const [one, two, three, four] = [origin(1, 0), origin(2, 1), origin(3, 2), origin(4, 0, 'b', 4)];
  for (const sent of [one, two, three, origin(5, 3), four]) oracle.sent(sent);
  oracle.read(one, 1);
  assert.throws(() => oracle.read(one, 1), OracleError, 'twice');
  assert.throws(() => oracle.read(two, 3), OracleError, 'another content');
  assert.throws(() => oracle.refuse(two, true, null), OracleError, 'could have been read');
  assert.throws(() => oracle.refuse(two, false, null), OracleError, 'no reason to have lost the session');
  oracle.refuse(one, true, null); // a duplicate
  oracle.refuse(two, false, 'reset');
  assert.deepEqual(oracle.audit('t', 0), { delivered: 1, gaps: 0, unseen: 4 });
  oracle.read(three, 3);
  assert.deepEqual(oracle.audit('t', 0), { delivered: 2, gaps: 1, unseen: 2 });
  oracle.read(four, 4);
  assert.deepEqual(oracle.audit('t', 0), { delivered: 3, gaps: 2, unseen: 0 });
});

test('contents are told apart, and every byte of them counts', () => {
  for (const id of [1, 2, 77, 4_000_000]) {
    const content = makeContent(id);
    assert.equal(checkContent(content), id);
    const changed = content.slice();
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    if (content.length > 6) assert.throws(() => checkContent(changed), OracleError);
  }
  assert.equal(checkContent(new Uint8Array(0)), null);
  assert.ok(makeContent(5, 100).length <= 100);
});

test('the network loses, repeats and reorders as much as it says', () => {
  const network = new LossyNetwork<number>(WEATHER, seededChance(3));
  const arrivals: number[] = [];
  const total = 20_000;
  let lost = 0;
  for (let i = 0; i < total; i++) {
    if (!network.send(i)) lost++;
    arrivals.push(...network.advance());
  }
  while (network.onTheWay > 0) arrivals.push(...network.advance());
  assert.ok(Math.abs(lost / total - WEATHER.loss) < 0.02);
  assert.equal(new Set(arrivals).size, total - lost);
  const repeated = arrivals.length - (total - lost);
  assert.ok(Math.abs(repeated / (total - lost) - WEATHER.duplicates) < 0.02);
  let newest = 0;
  let longest = 0;
  for (const i of arrivals) {
    longest = Math.max(longest, newest - i);
    newest = Math.max(newest, i);
  }
  assert.ok(longest > 0.9 * WEATHER.maxDelay && longest <= WEATHER.maxDelay, `overtaken by ${longest}`);
});
