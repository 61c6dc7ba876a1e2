/** An invite, a request, friends; a conversation that survives an absence; and what carol cannot do. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kith, type Line, ROOT } from './kith.ts';
import { seconds, type Stage } from './stage.ts';

interface Cast {
  readonly alice: Kith;
  /** Starts bob again. */
  readonly returning: () => Kith;
  readonly bob: Kith;
  readonly aliceHome: string;
}

/** How alice and bob met: the invite, and the safety words of both. */
interface Met {
  readonly uri: string;
  readonly words: string;
}

/** Resolves with bob as he runs afterwards. */
export async function showPeople(stage: Stage, cast: Cast): Promise<Kith> {
  const met = await befriend(stage, cast.alice);
  await talk(stage);
  const bob = await beAway(stage, cast);
  await showCarol(stage, cast, met);
  return bob;
}

async function result(stage: Stage, who: string, args: readonly string[], kind: string): Promise<Line> {
  return stage.command(who, args).line(kind);
}

async function befriend(stage: Stage, alice: Kith): Promise<Met> {
  const { uri } = await result(stage, 'alice', ['invite'], 'invite');
  const length = String(uri).length;
  stage.tell(
    'invite',
    { length },
    `alice opened a door of its own onion; the invite is one line of ${length} characters`,
  );
  await result(stage, 'bob', ['add', String(uri), '--name', 'alice', '--note', 'it is bob'], 'added');
  stage.tell('asked', {}, 'bob fetched her bundle there, checked it against the invite, and asked');
  await alice.line('asked');
  const { name } = await result(stage, 'alice', ['requests'], 'request');
  await result(stage, 'alice', ['accept', String(name), '--name', 'bob'], 'accepted');
  const [hers, his] = await Promise.all(
    [['alice', 'bob'] as const, ['bob', 'alice'] as const].map(async ([who, friend]) => {
      await settled(stage, who, friend);
      return (await result(stage, who, ['verify', friend, '--yes'], 'verify'))['words'];
    }),
  );
  if (hers !== his || typeof hers !== 'string') throw new Error('safety words differ');
  stage.tell(
    'friends',
    { words: hers },
    `alice accepted; both see the same safety words: ${hers.split(' ').slice(0, 4).join(' ')} …`,
  );
  return { uri: String(uri), words: hers };
}

/** Waits until `who` is linked with `friend` and each has proven itself. */
async function settled(stage: Stage, who: string, friend: string): Promise<void> {
  for (;;) {
    const { connected, trust } = await result(stage, who, ['friends', friend], 'friend');
    if (connected === true && trust !== 'unproven') return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function talk(stage: Stage): Promise<void> {
  for (const [from, to, text] of [
    ['alice', 'bob', 'hello bob, nobody but you can read this'],
    ['bob', 'alice', 'hello alice'],
  ] as const) {
    const startedAt = performance.now();
    await result(stage, from, ['send', to, text, '--wait'], 'message');
    const tookMs = Math.round(performance.now() - startedAt);
    const got = await stage.command(to, ['history', from]).line('message', (line) => line['text'] === text);
    stage.tell(
      'delivered',
      { from, to, tookMs, state: got['state'] },
      `${from} -> ${to}: “${text}”, on ${to}'s disk after ${seconds(tookMs)}`,
    );
  }
  const readme = join(ROOT, 'README.md');
  const sent = await result(
    stage,
    'alice',
    ['send', 'bob', 'read me', '--file', readme, '--wait'],
    'message',
  );
  const saved = join(stage.dir, 'bob-README.md');
  await result(stage, 'bob', ['save', String(sent['id']), saved], 'saved');
  const [before, after] = await Promise.all([readFile(readme), readFile(saved)]);
  if (!before.equals(after)) throw new Error('the attachment differs');
  stage.tell(
    'attachment',
    { sizeBytes: after.length, same: true },
    `alice -> bob: README.md, ${after.length} bytes; contents equal`,
  );
}

async function beAway(stage: Stage, { bob, returning }: Cast): Promise<Kith> {
  await bob.stop();
  const text = 'while you were away';
  const { id } = await result(stage, 'alice', ['send', 'bob', text], 'message');
  const why = await result(stage, 'alice', ['why', String(id)], 'why');
  stage.tell('waiting', {}, `bob is away; alice writes, and is told: ${String(why['hint'])}`);
  const startedAt = performance.now();
  const back = returning();
  await back.line('reachable');
  for (;;) {
    const line = await result(stage, 'alice', ['why', String(id)], 'why');
    if (line['state'] === 'delivered') break;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await stage.command('bob', ['history', 'alice']).line('message', (line) => line['text'] === text);
  const tookMs = Math.round(performance.now() - startedAt);
  stage.tell('returned', { tookMs }, `bob came back and has it, ${seconds(tookMs)} after his start`);
  return back;
}

/** The invite is used, the home lets in nobody without a key, a name is no identity, and what was said is not hers. */
async function showCarol(stage: Stage, { alice, aliceHome }: Cast, { uri, words }: Met): Promise<void> {
  const refused = async (args: readonly string[]): Promise<unknown> =>
    (await result(stage, 'carol', args, 'error'))['code'];
  const [used, entered] = await Promise.all([
    refused(['add', uri, '--name', 'alice']),
    refused(['say', aliceHome, 'let me in']),
  ]);
  if (used !== 'INVITE_REFUSED') throw new Error(`carol and the used invite: ${String(used)}`);
  if (entered !== 'ONION_AUTH_MISSING') throw new Error(`carol at alice's home: ${String(entered)}`);
  const { messages } = await result(stage, 'carol', ['search', 'nobody but you'], 'search');
  if (messages !== 0) throw new Error('carol has what alice wrote to bob');
  stage.tell(
    'carol',
    { used, entered, messages },
    `carol has the used invite (${used}) and alice's home onion (${entered}): she gets in nowhere, and has nothing of what was said`,
  );
  await result(stage, 'carol', ['profile', '--name', 'bob'], 'profile');
  const fresh = await result(stage, 'alice', ['invite'], 'invite');
  await result(stage, 'carol', ['add', String(fresh['uri']), '--note', 'bob, from my new computer'], 'added');
  await alice.line('asked');
  const asking = await result(stage, 'alice', ['requests'], 'request');
  const hers = await result(stage, 'alice', ['verify', String(asking['id'])], 'verify');
  if (asking['name'] === 'bob' || hers['words'] === words) throw new Error('carol passes for bob');
  await result(stage, 'alice', ['deny', String(asking['id'])], 'denied');
  stage.tell(
    'impostor',
    { name: asking['name'], differ: true },
    `carol calls herself bob and asks with an invite of her own: alice sees “${String(asking['name'])}”, and other safety words than bob's; she denies`,
  );
}
