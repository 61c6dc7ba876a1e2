/**
 * `npm run demo`: a private Tor network and five nodes as processes of their own. alice invites, bob asks, they talk, bob
 * goes away and comes back; carol gets in nowhere. Then the overlay: what alice's scout stores carol finds, public nodes
 * are announced to all, and every handle changes meanwhile. `-- --json` for programs, `-- --keep` to play on.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Kith } from './demo/kith.ts';
import { showOverlay } from './demo/overlay.ts';
import { showPeople } from './demo/people.ts';
import { seconds, Stage } from './demo/stage.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean' }, keep: { type: 'boolean' } } });
const dir = await mkdtemp(join(tmpdir(), 'kith-demo-'));
const stage = new Stage(dir, values.json === true);
const { processes } = stage;

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

/** Starts a public node; its onion in the overlay once others can enter there. */
async function publicNode(name: string, args: readonly string[]): Promise<string> {
  const { onion } = await stage.node(name, ['--public', ...args]).line('public');
  stage.tell(
    'public',
    { who: name, onion },
    `${name}, a public node, is the overlay's entry ${String(onion)}`,
  );
  return String(onion);
}

async function begin(): Promise<void> {
  stage.tell('begin', {}, 'Starting a private Tor network on this machine…');
  const testnet = processes.start('testnet', ['testnet', 'up', '--dir', join(dir, 'net')]);
  const { relays, tookMs } = await testnet.line('ready');
  stage.tell(
    'testnet',
    { relays, tookMs },
    `${String(relays)} tors agree on a consensus (network ready after ${seconds(tookMs)})`,
  );
}

/** The home onion of a node, as soon as it can be reached. */
async function reachable(kith: Kith): Promise<string> {
  const { onion } = await kith.line('starting');
  const { tookMs } = await kith.line('reachable');
  stage.tell(
    'reachable',
    { who: kith.name, onion, tookMs },
    `${kith.name} is up at ${String(onion)} (${seconds(tookMs)} after start)`,
  );
  return String(onion);
}

/** Everything has been shown: a signal is how it ends now. */
let keeping = false;

async function demo(): Promise<void> {
  await begin();
  const first = await publicNode('first', []);
  const enter = ['--entry-point', first];
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => stage.node(name, enter)) as [
    Kith,
    Kith,
    Kith,
  ];
  const [second, aliceHome] = await Promise.all([
    publicNode('second', enter),
    ...[alice, bob, carol].map(reachable),
  ]);
  const returning = (): Kith => stage.node('bob', enter);
  const back = await showPeople(stage, { alice, bob, returning, aliceHome: aliceHome as string });
  await showOverlay(stage, [alice, back, carol], second);

  const hits = (await readFile(stage.hitsFile, 'utf8').catch(() => '')).trim();
  if (hits !== '') throw new Error(`a kith process tried to leave Tor:\n${hits}`);
  stage.tell(
    'leaks',
    { hits: 0 },
    'No kith process opened anything but unix sockets (DNS, TCP, UDP and fetch were trapped).',
  );
  if (values.keep !== true) return;
  const kith = `npm run --silent kith -- --data ${dir}`;
  stage.tell('kept', { dir }, 'All of it keeps running. In another terminal:');
  if (values.json !== true) {
    console.log(
      `\n  ${kith}/alice chat bob\n  ${kith}/bob chat alice\n  ${kith}/carol peers\n\nCtrl-C ends everything.`,
    );
  }
  keeping = true;
  await interrupted;
}

try {
  await Promise.race([demo(), interrupted]);
  if (interruption === undefined || keeping) {
    stage.tell('done', { ok: true }, 'Done.');
  } else {
    stage.tell('interrupted', { ok: false, signal: interruption }, 'Interrupted: ending what was started.');
    process.exitCode = 128 + constants.signals[interruption];
  }
} catch (error) {
  stage.tell('failed', { ok: false, message: String(error) }, `Failed: ${String(error)}`);
  process.exitCode = 1;
} finally {
  await processes.stop();
  await rm(dir, { recursive: true, force: true });
}
