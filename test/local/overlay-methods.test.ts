import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OverlayFace, overlayMethods } from '../../src/local/overlay-methods.ts';
import type { Session } from '../../src/local/server.ts';
import type { Announced } from '../../src/node/face.ts';
import { decodeOnion } from '../../src/wire/onion.ts';

const HOST = 'duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad';
const ONION = `${HOST}.onion`;

function rig() {
  const gone = new AbortController();
  const told: unknown[] = [];
  const listeners = new Set<(announced: Announced) => void>();
  const session: Session = { signal: gone.signal, notify: (method, params) => told.push([method, params]) };
  const added: string[] = [];
  const face: OverlayFace = {
    peers: () => ({
      peers: [ONION],
      entryPoints: [{ onion: ONION, source: 'config', reachedAtMs: null }],
    }),
    addPeer: async ({ host }, signal) => {
      added.push(host);
      assert.equal(signal, gone.signal);
    },
    putSlot: async (content, options) => ({
      reference: `${Buffer.from(content).toString()} for ${String(options?.ttlMs)}`,
      expiry: 1,
      holders: 2,
      tookMs: 3,
    }),
    getSlot: async (reference) => ({
      content: new Uint8Array(Buffer.from(reference)),
      expiry: 1,
      answers: 2,
      conflicts: 0,
      tookMs: 3,
    }),
    onAnnounced: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const methods = new Map(overlayMethods(face, session));
  const call = async (method: string, params = {}) => methods.get(method)?.(params);
  return { call, told, listeners, gone, added };
}

test('peers are told with their entry points', async () => {
  assert.deepEqual(await rig().call('peers'), {
    peers: [ONION],
    entryPoints: [{ onion: ONION, source: 'config', reachedAtMs: null }],
  });
});

test('a peer is added by its address; anything else is malformed', async () => {
  const { call, added } = rig();
  assert.deepEqual(await call('peers.add', { onion: ONION }), {});
  assert.deepEqual(added, [HOST]);
  await assert.rejects(call('peers.add', { onion: 'nowhere' }), { code: 'MALFORMED' });
  await assert.rejects(call('peers.add', {}), { code: 'PARAMS_WRONG' });
});

test('slots go in and out as base64', async () => {
  const { call } = rig();
  const data = Buffer.from('hello').toString('base64');
  assert.deepEqual(await call('dht.put', { data, ttlMs: 5000 }), {
    reference: 'hello for 5000',
    expiry: 1,
    holders: 2,
    tookMs: 3,
  });
  assert.equal(
    (((await call('dht.put', { data })) ?? {}) as { reference?: string }).reference,
    'hello for undefined',
  );
  for (const ttlMs of [-1, 1.5, '5', Number.NaN]) {
    await assert.rejects(call('dht.put', { data, ttlMs }), { code: 'PARAMS_WRONG' }, String(ttlMs));
  }
  const got = (await call('dht.get', { reference: 'x' })) as { data: string };
  assert.equal(got.data, Buffer.from('x').toString('base64'));
});

test('announcements come until the client goes, once', async () => {
  const { call, told, listeners, gone } = rig();
  await call('gossip.watch');
  await assert.rejects(call('gossip.watch'), { code: 'BUSY' });
  for (const listener of listeners) listener({ onion: decodeOnion(ONION), expiry: 7 });
  assert.deepEqual(told, [['gossip.announced', { onion: ONION, expiry: 7 }]]);
  gone.abort();
  assert.equal(listeners.size, 0);
});
