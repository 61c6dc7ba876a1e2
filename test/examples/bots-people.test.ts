/** The bots as they are meant: beside ordinary nodes, through their local sockets, with friends who write to them. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { diary } from '../../examples/bots/diary.ts';
import { echo } from '../../examples/bots/echo.ts';
import { connect, type KithClient } from '../../src/local/kith-client.ts';
import { peopleMethods } from '../../src/local/people-methods.ts';
import { RpcServer } from '../../src/local/server.ts';
import { befriend, eventually, PeopleNetwork, type PeopleNode } from '../node/people-nodes.ts';

let network: PeopleNetwork;
let alice: PeopleNode;
const servers: RpcServer[] = [];
const bots: { readonly node: KithClient; readonly ended: Promise<unknown> }[] = [];

/** A node with that bot beside it, and alice as its friend. */
async function botNode(name: string, bot: (node: KithClient) => Promise<void>): Promise<void> {
  const node = await network.node(name);
  await befriend(node, alice);
  const path = join(node.dir, 's');
  const server = new RpcServer({ path, methods: (session) => new Map(peopleMethods(node.calls, session)) });
  await server.start();
  servers.push(server);
  const client = await connect({ path });
  bots.push({ node: client, ended: assert.rejects(bot(client), { code: 'NODE_GONE' }) });
}

before(async () => {
  network = await PeopleNetwork.create();
  alice = await network.node('alice');
});
after(async () => {
  for (const { node, ended } of bots) {
    node.close();
    await ended;
  }
  for (const server of servers) await server.stop();
  await network.remove();
});

test('the echo bot answers each message once, as a reply, also what came while it was away', async () => {
  await botNode('echo', async (node) => {
    await eventually('a message waits', () =>
      alice.calls.history('echo').some(({ state }) => state === 'delivered'),
    );
    await echo(node);
  });
  const early = alice.calls.send('echo', { text: 'are you there?' });
  const answer = await alice.message('echo', 'are you there?', ({ mine }) => !mine);
  assert.equal(answer.replyTo, early.id);
  const later = alice.calls.send('echo', { text: 'once more' });
  const second = await alice.message('echo', 'once more', ({ mine }) => !mine);
  assert.equal(second.replyTo, later.id);
  assert.equal(alice.texts('echo').filter((text) => text === 'once more').length, 2);
});

test('the diary bot keeps what friends tell it in its own notes', async () => {
  await botNode('diary', diary);
  alice.calls.send('diary', { text: 'the swifts are back' });
  await alice.message('diary', 'Kept.');
  alice.calls.send('diary', { text: 'read' });
  await eventually('it is read back', () =>
    alice.calls.history('diary').find(({ mine, text }) => !mine && text.includes('the swifts are back')),
  );
});
