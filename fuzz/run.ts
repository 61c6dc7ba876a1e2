/**
 * A small fuzzer that runs wherever the project does (Jazzer.js, whose target form it shares, needs a newer C
 * library than Debian 12 has).
 *
 *   npm run fuzz -- --list
 *   npm run fuzz -- --target <name|all> --count 1e6 [--seed N]     mutated seeds and random bytes, fast
 *   npm run fuzz -- --target <name|all> --seconds 60 [--save]      guided by coverage; --save keeps what was new
 *   npm run fuzz -- --target <name> --input <file>                 one input again, such as a crash
 *
 * Prints one JSON object a line. A bug or a hang is written to fuzz/crashes/ and the exit code is 1.
 */

import { createHash, randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CoverageProbe } from './coverage.ts';
import { Mutator } from './mutate.ts';
import { fuzzFolder, loadTarget, readCorpus, type Target, targetNames } from './targets.ts';
import { saveCrash, Watchdog } from './watchdog.ts';

/** Longest input unless a seed is longer, in bytes. */
const MAX_SIZE = 4_096;
const PROGRESS_MS = 5_000;
/** Inputs that share one look at the coverage, which costs as much as many executions. */
const BATCH = 64;
/** Inputs kept in memory by a guided run: more would only slow it down. */
const MAX_KEPT = 2_000;

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

interface Budget {
  readonly count: number;
  readonly milliseconds: number;
}

class Run {
  readonly #target: Target;
  readonly #seed: number;
  readonly #corpus: Uint8Array[];
  readonly #mutator: Mutator;
  readonly #watchdog: Watchdog;
  readonly #startedAt = performance.now();
  #lastProgress = this.#startedAt;
  #executions = 0;

  constructor(target: Target, seed: number) {
    this.#target = target;
    this.#seed = seed;
    this.#corpus = readCorpus(target.name);
    const maxSize = Math.max(MAX_SIZE, ...this.#corpus.map((input) => 2 * input.length));
    this.#mutator = new Mutator(seed, maxSize);
    this.#watchdog = new Watchdog(target.name, maxSize);
  }

  /** Whether all went well. */
  async run(budget: Budget, guided: boolean, save: boolean): Promise<boolean> {
    const probe = guided ? new CoverageProbe() : null;
    const seen = new Set<string>();
    const found: Uint8Array[] = [];
    let good = this.#corpus.every((input) => this.#tryOne(input));
    if (probe !== null) for (const feature of probe.take()) seen.add(feature);
    while (good && this.#executions < budget.count && this.#elapsed() < budget.milliseconds) {
      const batch = Array.from({ length: BATCH }, () => this.#mutator.next(this.#corpus));
      good = batch.every((input) => this.#tryOne(input));
      const isNews = (feature: string): boolean => !seen.has(feature);
      if (probe !== null && good && probe.take().some(isNews)) {
        for (const input of batch) {
          if (this.#corpus.length >= MAX_KEPT || !this.#tryOne(input)) break;
          const news = probe.take().filter(isNews);
          if (news.length === 0) continue;
          for (const feature of news) seen.add(feature);
          found.push(this.#minimise(input, news, probe));
          this.#corpus.push(found.at(-1) as Uint8Array);
        }
      }
      this.#progress(seen.size);
    }
    probe?.close();
    await this.#watchdog.close();
    if (good && save) for (const input of found) saveSeed(this.#target.name, input);
    print({ result: good ? 'passed' : 'failed', ...this.#state(seen.size), found: found.length });
    return good;
  }

  #tryOne(input: Uint8Array): boolean {
    this.#executions++;
    this.#watchdog.starts(input);
    try {
      this.#target.fuzz(input);
      return true;
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      print({
        event: 'crash',
        target: this.#target.name,
        path: saveCrash(this.#target.name, input),
        error: text,
      });
      return false;
    } finally {
      this.#watchdog.ended();
    }
  }

  /** A shorter input that still shows all of `features`: ever smaller blocks are left out, from the end. */
  #minimise(input: Uint8Array, features: readonly string[], probe: CoverageProbe): Uint8Array {
    let best = input;
    for (let block = best.length >>> 1; block >= 1; block >>>= 1) {
      for (let at = best.length - block; at >= 0; at -= block) {
        const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + block)]);
        const shown = this.#tryOne(shorter) ? new Set(probe.take()) : new Set<string>();
        if (features.every((feature) => shown.has(feature))) best = new Uint8Array(shorter);
      }
    }
    return best;
  }

  #elapsed(): number {
    return performance.now() - this.#startedAt;
  }

  #state(features: number): object {
    const seconds = this.#elapsed() / 1000;
    return {
      target: this.#target.name,
      seed: this.#seed,
      executions: this.#executions,
      executionsPerSecond: Math.round(this.#executions / seconds),
      elapsedMs: Math.round(seconds * 1000),
      corpus: this.#corpus.length,
      ...(features === 0 ? {} : { features }),
    };
  }

  #progress(features: number): void {
    const now = performance.now();
    if (now - this.#lastProgress < PROGRESS_MS) return;
    this.#lastProgress = now;
    print({ event: 'progress', ...this.#state(features) });
  }
}

function saveSeed(name: string, input: Uint8Array): void {
  const folder = join(fuzzFolder, 'corpus', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, createHash('sha256').update(input).digest('hex').slice(0, 12)), input);
}

/** What is wrong with the command line, for a person; exit code 2. */
function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function positive(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  return value > 0 ? value : refuse(`--${name} must be a positive number`);
}

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    count: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    save: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    input: { type: 'string' },
  },
});
const all = targetNames();
if (values.list) {
  for (const name of all) print({ event: 'target', target: name, corpus: readCorpus(name).length });
  process.exit(0);
}
if (values.target === undefined || (values.target !== 'all' && !all.includes(values.target))) {
  refuse(`--target must be one of: all ${all.join(' ')}`);
}
const seconds = positive('seconds', values.seconds);
const count = positive('count', values.count) ?? (seconds === null ? 100_000 : Number.POSITIVE_INFINITY);
const milliseconds = seconds === null ? Number.POSITIVE_INFINITY : seconds * 1000;
const seed = positive('seed', values.seed) ?? randomInt(1, 2 ** 31);

let good = true;
for (const name of values.target === 'all' ? all : [values.target]) {
  const target = await loadTarget(name);
  if (values.input !== undefined) {
    target.fuzz(new Uint8Array(readFileSync(values.input)));
    print({ result: 'passed', target: name });
    continue;
  }
  if (!(await new Run(target, seed).run({ count, milliseconds }, seconds !== null, values.save)))
    good = false;
}
process.exitCode = good ? 0 : 1;
