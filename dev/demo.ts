/**
 * `npm run demo`: a private Tor network, five nodes as processes of their own, README.md and 5 MB from alice to bob
 * through real onion services; then the overlay: what alice's scout stores carol finds, public nodes are announced to
 * all, and every handle changes meanwhile. `-- --json` for programs, `-- --keep` to play on.
 */

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Kith, type Line, Processes, ROOT } from './demo/kith.ts';

const RANDOM_FILE_BYTES = 5_000_000;
/** Length of the demo's handle epochs, seconds; the real ones last a day. */
const EPOCH_S = 40;

const { values } = parseArgs({ options: { json: { type: 'boolean' }, keep: { type: 'boolean' } } });
const startedAt = performance.now();
const dir = await mkdtemp(join(tmpdir(), 'kith-demo-'));
const hitsFile = join(dir, 'tripwire.log');
const processes = new Processes(hitsFile);

/** The first signal that came; ends the demo wherever it is. A second one ends the children at once. */
let interruption: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | undefined;
const interrupted = new Promise<void>((resolve) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (interruption !== undefined) processes.kill();
      interruption ??= name;
      processes.close();
      resolve();
    });
  }
});

function tell(event: string, fields: Line, sentence: string): void {
  const atMs = Math.round(performance.now() - startedAt);
  if (values.json === true) console.log(JSON.stringify({ event, atMs, ...fields }));
  else console.log(`${(atMs / 1000).toFixed(1).padStart(6)} s  ${sentence}`);
}

const seconds = (ms: unknown): string => `${(Number(ms) / 1000).toFixed(1)} s`;

/** A node with a data directory of its own. */
function node(name: string, args: readonly string[]): Kith {
  const common = ['--testnet', join(dir, 'net'), '--epoch', String(EPOCH_S)];
  return processes.start(name, ['--data', join(dir, name), 'up', ...common, ...args]);
}

/** A command to the running node of that name. */
function command(name: string, args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): Kith {
  return processes.start(`${name} ${args[0]}`, ['--data', join(dir, name), ...args], stdin);
}

/** alice says the file at `path`; bob must show the same bytes. */
async function hand(path: string, label: string, bob: Kith, onion: string): Promise<void> {
  const say = command('alice', ['say', onion, '-'], 'pipe');
  if (say.child.stdin === null) throw new Error('no stdin');
  createReadStream(path).pipe(say.child.stdin);
  const delivered = await say.line('delivered');
  const received = await bob.line('received');
  const [sent, arrived] = await Promise.all([readFile(path), readFile(String(received['path']))]);
  const digest = createHash('sha256').update(sent).digest('hex');
  const same = sent.equals(arrived) && digest === delivered['sha256'];
  if (!same) throw new Error(`${label}: what arrived differs from what was sent`);
  const tookMs = Number(delivered['tookMs']);
  const rate = sent.length / tookMs / 1000;
  tell(
    'delivered',
    { what: label, sizeBytes: sent.length, sha256: digest, tookMs, same },
    `alice -> bob: ${label}, ${sent.length} bytes in ${(tookMs / 1000).toFixed(2)} s (${rate.toFixed(1)} MB/s), written to bob's disk; contents equal`,
  );
}

/** Starts a public node; its onion in the overlay once others can enter there. */
async function publicNode(name: string, args: readonly string[]): Promise<string> {
  const { onion } = await node(name, ['--public', ...args]).line('public');
  tell('public', { who: name, onion }, `${name}, a public node, is the overlay's entry ${String(onion)}`);
  return String(onion);
}

async function begin(): Promise<void> {
  tell('begin', {}, 'Starting a private Tor network on this machine…');
  const testnet = processes.start('testnet', ['testnet', 'up', '--dir', join(dir, 'net')]);
  const { relays, tookMs } = await testnet.line('ready');
  tell(
    'testnet',
    { relays, tookMs },
    `${String(relays)} tors agree on a consensus (network ready after ${seconds(tookMs)})`,
  );
}

/** The home onion of a node, as soon as it can be reached. */
async function reachable(kith: Kith): Promise<string> {
  const { onion } = await kith.line('starting');
  const { tookMs } = await kith.line('reachable');
  tell(
    'reachable',
    { who: kith.name, onion, tookMs },
    `${kith.name} is reachable at ${String(onion)} (${seconds(tookMs)} after start)`,
  );
  return String(onion);
}

/** Slots through scouts, announcements by gossip, and a change of all handles in between. */
async function overlay(people: readonly Kith[], second: string): Promise<void> {
  await Promise.all(people.map((kith) => kith.line('overlay', ({ state }) => state === 'joined')));
  tell('joined', {}, 'alice, bob and carol are in the overlay, each under a handle that names nobody');
  const text = `written at ${new Date().toISOString()}`;
  const put = await command('alice', ['dht', 'put', text]).line('put');
  tell(
    'put',
    { holders: put['holders'], tookMs: put['tookMs'] },
    `alice's scout left a sealed slot with ${String(put['holders'])} nodes (${seconds(put['tookMs'])})`,
  );
  // only bob and carol's gossip can have told them of the second public node: they entered through the first
  await Promise.all(
    people.map(async ({ name }) => {
      const watch = command(name, ['gossip', 'watch']);
      await watch.line('announced', ({ onion }) => onion === second);
      await watch.stop();
    }),
  );
  tell('announced', { onion: second }, 'the second public node was announced to all by gossip');
  const now = Math.floor(Date.now() / (EPOCH_S * 1000));
  await Promise.all(people.map((kith) => kith.line('handle', ({ epoch }) => Number(epoch) > now)));
  tell('rotated', {}, 'a new epoch: alice, bob and carol appear under other handles');
  const got = await command('carol', ['dht', 'get', String(put['reference'])]).line('got');
  if (Buffer.from(String(got['data']), 'base64').toString() !== text) {
    throw new Error('carol found something else than alice stored');
  }
  tell(
    'got',
    { answers: got['answers'], tookMs: got['tookMs'], same: true },
    `carol's scout found and opened what alice stored (${seconds(got['tookMs'])}); contents equal`,
  );
}

/** Everything has been shown: a signal is how it ends now. */
let keeping = false;

async function demo(): Promise<void> {
  await begin();
  const first = await publicNode('first', []);
  const enter = ['--entry-point', first];
  const people = ['alice', 'bob', 'carol'].map((name) => node(name, enter));
  const [second, aliceOnion, bobOnion, carolOnion] = await Promise.all([
    publicNode('second', enter),
    ...people.map(reachable),
  ]);
  await hand(join(ROOT, 'README.md'), 'README.md', people[1] as Kith, bobOnion as string);
  const random = join(dir, 'random.bin');
  await writeFile(random, randomBytes(RANDOM_FILE_BYTES));
  await hand(random, '5 MB of random bytes', people[1] as Kith, bobOnion as string);
  await overlay(people, second);

  const hits = (await readFile(hitsFile, 'utf8').catch(() => '')).trim();
  if (hits !== '') throw new Error(`a kith process tried to leave Tor:\n${hits}`);
  tell(
    'leaks',
    { hits: 0 },
    'No kith process opened anything but unix sockets (DNS, TCP, UDP and fetch were trapped).',
  );
  if (values.keep !== true) return;
  const kith = `npm run --silent kith -- --data ${dir}`;
  const onions = { alice: aliceOnion, bob: bobOnion, carol: carolOnion };
  tell('kept', { dir, onions }, 'All of it keeps running. In another terminal:');
  if (values.json !== true) {
    console.log(
      `\n  ${kith}/alice say ${String(bobOnion)} "hello bob"\n  ${kith}/bob status\n  ${kith}/carol peers\n  ls ${dir}/bob/inbox\n\nCtrl-C ends everything.`,
    );
  }
  keeping = true;
  await interrupted;
}

try {
  await Promise.race([demo(), interrupted]);
  if (interruption === undefined || keeping) {
    tell('done', { ok: true }, 'Done.');
  } else {
    tell('interrupted', { ok: false, signal: interruption }, 'Interrupted: ending what was started.');
    process.exitCode = 128 + constants.signals[interruption];
  }
} catch (error) {
  tell('failed', { ok: false, message: String(error) }, `Failed: ${String(error)}`);
  process.exitCode = 1;
} finally {
  await processes.stop();
  await rm(dir, { recursive: true, force: true });
}
