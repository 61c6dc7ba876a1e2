/**
 * `npm run demo`: a private Tor network, two nodes as processes of their own, README.md and 5 MB from alice to bob
 * through real onion services, and a look at what arrived. `-- --json` for programs, `-- --keep` to play on.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = join(ROOT, 'src/cli/main.ts');
const TRIPWIRE = join(ROOT, 'test/tripwire.js');
const RANDOM_FILE_BYTES = 5_000_000;

/** A line that a kith process printed with --json. */
type Line = { readonly [field: string]: unknown };

const { values } = parseArgs({ options: { json: { type: 'boolean' }, keep: { type: 'boolean' } } });
const startedAt = performance.now();
const running: Kith[] = [];

/** The first signal that came; ends the demo wherever it is. A second one ends the children at once. */
let interruption: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | undefined;
const interrupted = new Promise<void>((resolve) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (interruption !== undefined) for (const { child } of running) child.kill('SIGKILL');
      interruption ??= name;
      resolve();
    });
  }
});
const dir = await mkdtemp(join(tmpdir(), 'kith-demo-'));
const hitsFile = join(dir, 'tripwire.log');

function tell(event: string, fields: Line, sentence: string): void {
  const atMs = Math.round(performance.now() - startedAt);
  if (values.json === true) console.log(JSON.stringify({ event, atMs, ...fields }));
  else console.log(`${(atMs / 1000).toFixed(1).padStart(6)} s  ${sentence}`);
}

/** One kith process whose JSON lines can be waited for. Everything it could leak by is trapped. */
class Kith {
  readonly child: ChildProcess;
  readonly #name: string;
  readonly #seen: Line[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(name: string, args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore') {
    if (interruption !== undefined) throw new Error('interrupted');
    this.#name = name;
    this.child = spawn(process.execPath, [CLI, '--json', ...args], {
      stdio: [stdin, 'pipe', 'inherit'],
      detached: true, // Ctrl-C reaches the demo alone, which then ends its children in order
      env: { ...process.env, NODE_OPTIONS: `--import=${TRIPWIRE}`, KITH_TRIPWIRE_LOG: hitsFile },
    });
    if (this.child.stdout === null) throw new Error('no stdout');
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#add(JSON.parse(line) as Line));
    this.child.once('close', () => {
      this.#ended = true;
      running.splice(running.indexOf(this), 1);
      for (const wake of this.#waiting) wake();
    });
    running.push(this);
  }

  /** The first line with that event or result that has not been taken yet. */
  async line(kind: string): Promise<Line> {
    for (;;) {
      const at = this.#seen.findIndex((line) => line['event'] === kind || line['result'] === kind);
      if (at >= 0) return this.#seen.splice(at, 1)[0] as Line;
      const failed = this.#seen.find((line) => line['event'] === 'error');
      if (failed !== undefined)
        throw new Error(`${this.#name}: ${String(failed['message'])}. ${String(failed['hint'])}`);
      if (this.#ended) throw new Error(`${this.#name} ended before saying "${kind}"`);
      await new Promise<void>((wake) => {
        this.#waiting.add(wake);
      });
      this.#waiting.clear();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGTERM');
    await closed;
  }

  #add(line: Line): void {
    this.#seen.push(line);
    for (const wake of this.#waiting) wake();
  }
}

/** alice says the file at `path`; bob must show the same bytes. */
async function hand(path: string, label: string, bob: Kith, onion: string): Promise<void> {
  const say = new Kith('alice say', ['--data', join(dir, 'alice'), 'say', onion, '-'], 'pipe');
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

/** Everything has been shown: a signal is how it ends now. */
let keeping = false;

async function demo(): Promise<void> {
  const net = join(dir, 'net');
  tell('begin', {}, 'Starting a private Tor network on this machine…');
  const testnet = new Kith('testnet', ['testnet', 'up', '--dir', net]);
  const { relays, tookMs } = await testnet.line('ready');
  tell(
    'testnet',
    { relays, tookMs },
    `${String(relays)} tors agree on a consensus (network ready after ${(Number(tookMs) / 1000).toFixed(1)} s)`,
  );

  const nodes = ['alice', 'bob'].map(
    (name) => new Kith(name, ['--data', join(dir, name), 'up', '--testnet', net]),
  );
  const [alice, bob] = nodes as [Kith, Kith];
  const onions = new Map<string, string>();
  for (const [name, kith] of [
    ['alice', alice],
    ['bob', bob],
  ] as const) {
    const { onion } = await kith.line('starting');
    const reachable = await kith.line('reachable');
    onions.set(name, String(onion));
    tell(
      'reachable',
      { who: name, onion, tookMs: reachable['tookMs'] },
      `${name} is reachable at ${String(onion)} (${(Number(reachable['tookMs']) / 1000).toFixed(1)} s after start)`,
    );
  }
  const bobOnion = onions.get('bob') as string;
  await hand(join(ROOT, 'README.md'), 'README.md', bob, bobOnion);
  const random = join(dir, 'random.bin');
  await writeFile(random, randomBytes(RANDOM_FILE_BYTES));
  await hand(random, '5 MB of random bytes', bob, bobOnion);

  const hits = (await readFile(hitsFile, 'utf8').catch(() => '')).trim();
  if (hits !== '') throw new Error(`a kith process tried to leave Tor:\n${hits}`);
  tell(
    'leaks',
    { hits: 0 },
    'No kith process opened anything but unix sockets (DNS, TCP, UDP and fetch were trapped).',
  );
  if (values.keep === true) {
    const kith = `npm run --silent kith -- --data ${dir}`;
    tell(
      'kept',
      { dir, onions: Object.fromEntries(onions) },
      'All of it keeps running. In another terminal:',
    );
    if (values.json !== true) {
      console.log(
        `\n  ${kith}/alice say ${bobOnion} "hello bob"\n  ${kith}/bob status\n  ls ${dir}/bob/inbox\n\nCtrl-C ends everything.`,
      );
    }
    keeping = true;
    await interrupted;
  }
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
  for (const kith of running.toReversed()) await kith.stop();
  await rm(dir, { recursive: true, force: true });
}
