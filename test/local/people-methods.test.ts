/** Calls about people: what is no good is told and does nothing; what fits no answer comes in pages. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import fc from 'fast-check';
import type { Json, Params } from '../../src/local/json-rpc.ts';
import { RPC_LINE_MAX_BYTES } from '../../src/local/limits.ts';
import { peopleMethods } from '../../src/local/people-methods.ts';
import type { Method, Session } from '../../src/local/server.ts';
import { KithError } from '../../src/safety/errors.ts';
import { FakePeople, idOf } from './fake-people.ts';

let people: FakePeople;
let gone: AbortController;
let told: [string, Params][];
let methods: Map<string, Method>;
beforeEach(() => {
  people = new FakePeople();
  gone = new AbortController();
  told = [];
  const session: Session = { signal: gone.signal, notify: (method, params) => told.push([method, params]) };
  methods = new Map(peopleMethods(people, session));
});

const call = async (method: string, params: Params = {}) =>
  (await methods.get(method)?.(params)) as { readonly [name: string]: Json };

/** A call that works, for each method that takes parameters. */
const GOOD: { readonly [method: string]: Params } = {
  'profile.set': { name: 'x', status: 'y', picture: 'AAAA' },
  'presence.set': { presence: 'away' },
  'invites.open': { public: true, ttlMs: 3_600_000, note: 'n' },
  'invites.close': { id: '00' },
  'friends.list': { from: 0 },
  'friends.get': { who: 'bob' },
  'friends.add': { uri: 'kith:x', name: 'x', note: 'y' },
  'friends.accept': { who: 'carol', name: 'x' },
  'friends.deny': { who: 'carol' },
  'friends.block': { who: 'bob' },
  'friends.unblock': { who: 'bob' },
  'friends.remove': { who: 'bob', history: true },
  'friends.rename': { who: 'bob', name: 'x' },
  'friends.words': { who: 'bob' },
  'friends.trust': { who: 'bob' },
  'messages.send': {
    who: 'bob',
    text: 'x',
    replyTo: '1',
    attachment: { name: 'x', type: 'y', data: 'AAAA' },
  },
  'messages.get': { id: '1' },
  'messages.edit': { id: '1', text: 'x' },
  'messages.delete': { id: '1', onlyHere: true },
  'messages.react': { id: '1', emoji: 'x' },
  'messages.read': { who: 'bob', upTo: '1' },
  'messages.timer': { who: 'bob', seconds: 1 },
  'messages.history': { who: 'bob', before: 9, after: 0, limit: 200 },
  'messages.search': { query: 'x', who: 'bob', before: 9, limit: 200 },
  'messages.attachment': { id: '1' },
  'messages.why': { id: '1' },
  'messages.export': { who: 'bob', more: false },
  'messages.import': { lines: ['{}'], more: false, done: true },
};

/** Everything that the fake knows, to tell whether it changed. */
const state = () => JSON.stringify([people.friends(), people.messages, people.invites(), people.identity()]);

test('every method takes what it is made for, and nothing of another type', async () => {
  const without = ['identity.get', 'home.rotate', 'invites.list', 'events.watch'];
  assert.deepEqual([...methods.keys()].sort(), [...Object.keys(GOOD), ...without].sort());
  for (const [method, good] of Object.entries(GOOD)) {
    for (const name of Object.keys(good)) {
      const before = state();
      for (const bad of [7.5, -1, {}, ['x', 1], null, '\ud800', '=']) {
        if (bad === '=' && typeof good[name] === 'string' && name !== 'picture') continue; // a text like any other
        if (bad === null && name === 'picture') continue; // removes it
        await assert.rejects(
          call(method, { ...good, [name]: bad }),
          { code: 'PARAMS_WRONG' },
          `${method} ${name}`,
        );
      }
      assert.equal(state(), before, method);
    }
  }
  people.arrive('bob', 'a message to speak about');
  for (const [method, good] of Object.entries(GOOD)) {
    people = new FakePeople();
    people.arrive('bob', 'one');
    methods = new Map(peopleMethods(people, { signal: gone.signal, notify: () => {} }));
    if (method === 'invites.close' || method === 'messages.attachment') {
      await assert.rejects(call(method, good), { code: /INVITE_UNKNOWN|ATTACHMENT_INCOMPLETE/ }); // asked, and refused there
    } else {
      assert.ok(await call(method, good), method);
    }
  }
});

test('a parameter that a call does not have is refused, not overlooked', async () => {
  people.arrive('bob', 'x');
  for (const [method, good] of Object.entries(GOOD)) {
    await assert.rejects(call(method, { ...good, onlyhere: true }), { code: 'PARAMS_WRONG' }, method);
    const hidden = JSON.parse(`{"__proto__":{"x":1}}`) as Params;
    await assert
      .rejects(call(method, { ...good, ...hidden }), { code: 'PARAMS_WRONG' }, method)
      .catch(() => {});
  }
});

test('a parameter that a call needs cannot be left out or inherited', async () => {
  for (const [method, name] of [
    ['friends.get', 'who'],
    ['messages.edit', 'text'],
    ['messages.import', 'done'],
  ] as const) {
    const { [name]: _, ...rest } = GOOD[method] ?? {};
    await assert.rejects(call(method, rest), { code: 'PARAMS_WRONG' });
    await assert.rejects(call(method, Object.setPrototypeOf({ ...rest }, { [name]: 'bob' }) as Params), {
      code: 'PARAMS_WRONG',
    });
  }
});

test('any JSON at all is done or refused with a typed error', async () => {
  const names = fc.constantFrom(...new Set(Object.values(GOOD).flatMap(Object.keys)));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(GOOD)),
      fc.dictionary(names, fc.jsonValue(), { maxKeys: 5 }),
      async (method, params) => {
        try {
          await call(method, params as Params);
        } catch (error) {
          assert.ok(error instanceof KithError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a message is named by its id or by its place', async () => {
  const { id } = people.arrive('bob', 'x');
  for (const ref of [id, '1']) {
    assert.equal((await call('messages.get', { id: ref }))['id'], id);
    assert.equal((await call('messages.edit', { id: ref, text: ref }))['text'], ref);
  }
  assert.equal((await call('messages.send', { who: 'bob', text: 'y', replyTo: '1' }))['replyTo'], id);
  await assert.rejects(call('messages.react', { id: '2147', emoji: 'x' }), { code: 'MESSAGE_UNKNOWN' });
});

test('friends come in pages without their pictures, one with it', async () => {
  const bob = people.friend('bob');
  const data = Buffer.alloc(65_536, 7).toString('base64');
  const profile = { name: 'x', status: 'y'.repeat(1000), picture: { type: 'image/png', data } };
  for (let at = 0; at < 500; at++) {
    const id = idOf(`friend ${at}`);
    people.people.set(id, { ...bob, id, name: `friend ${at}`, profile });
  }
  const seen = new Set<string>();
  for (let from: Json = 0; from !== null; ) {
    const page = await call('friends.list', { from });
    assert.ok(JSON.stringify(page).length < RPC_LINE_MAX_BYTES);
    for (const friend of page['friends'] as { id: string; profile: unknown }[]) {
      seen.add(friend.id);
      if (friend.id === idOf('friend 1')) {
        assert.deepEqual(friend.profile, { name: 'x', status: profile.status, hasPicture: true });
      }
    }
    from = page['next'] as Json;
  }
  assert.equal(seen.size, people.people.size);
  assert.deepEqual((await call('friends.get', { who: 'friend 1' }))['profile'], profile);
});

test('a history whose messages do not fit comes in smaller pages, none left out, from both ends', async () => {
  for (let at = 0; at < 300; at++)
    people.arrive('bob', `${'\u0001'.repeat(at % 2 === 0 ? 12_000 : 10)}${at}`);
  for (const way of ['before', 'after'] as const) {
    const seqs: number[] = [];
    let edge: Json = way === 'before' ? 301 : 0;
    while (edge !== null) {
      const page: { readonly [name: string]: Json } = await call('messages.history', {
        who: 'bob',
        limit: 200,
        [way]: edge,
      });
      assert.ok(JSON.stringify(page).length < RPC_LINE_MAX_BYTES);
      const found = (page['messages'] as { seq: number }[]).map(({ seq }) => seq);
      assert.deepEqual(
        found,
        found.toSorted((a, b) => a - b),
      );
      if (way === 'before') seqs.unshift(...found);
      else seqs.push(...found);
      edge = page['next'] as Json;
    }
    assert.deepEqual(
      seqs,
      Array.from({ length: 300 }, (_, at) => at + 1),
    );
  }
});

test('events are told until the client goes, once, pictures left out', async () => {
  people.arrive('bob', 'before');
  await call('events.watch');
  await assert.rejects(call('events.watch'), { code: 'BUSY' });
  people.arrive('bob', 'after');
  assert.deepEqual(
    told.map(([method, { kind }]) => [method, kind]),
    [
      ['event', 'message'],
      ['event', 'friend'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(told), /iVBORw/);
  gone.abort();
  assert.equal(people.watchers, 0);
});
