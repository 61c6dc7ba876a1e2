/**
 * What a test run prints: node's own spec report on a terminal; elsewhere a line per file, the failures in full
 * and node's closing lines; with `--json` one object a line.
 */

import { relative } from 'node:path';
import type { EventData, run } from 'node:test';
import { spec } from 'node:test/reporters';
import { inspect } from 'node:util';
import type { FolderCoverage } from './coverage.ts';

type TestStream = ReturnType<typeof run>;

/** How many of the slowest files are listed. */
const SLOWEST_SHOWN = 10;

export class Report {
  /** Tests that failed or were cancelled. */
  failed = 0;
  /** Tests that were run. */
  ran = 0;
  readonly #root: string;
  readonly #json: boolean;
  readonly #times = new Map<string, number>();
  readonly #failures: string[] = [];
  #closing: string[] = [];
  #counts: EventData.TestSummary['counts'] | null = null;

  constructor(root: string, json: boolean) {
    this.#root = root;
    this.#json = json;
  }

  /** Reads the events of a run to its end and prints them. */
  async follow(stream: TestStream): Promise<void> {
    const onTerminal = process.stdout.isTTY && !this.#json;
    stream.on('test:fail', (data) => this.#fail(data));
    stream.on('test:stderr', ({ message }) => void process.stderr.write(message));
    stream.on('test:summary', (data) => this.#summary(data, onTerminal));
    stream.on('test:diagnostic', ({ nesting, message }) => {
      if (nesting === 0) this.#closing.push(message);
    });
    if (onTerminal) {
      const shown = stream.filter(
        ({ type }: { type: string }) => type !== 'test:coverage' && type !== 'test:stderr',
      );
      for await (const text of shown.compose(new spec())) process.stdout.write(text);
      this.#closing = [];
      this.#failures.length = 0;
      return;
    }
    if (!this.#json) stream.on('test:stdout', ({ message }) => void process.stdout.write(indent(message)));
    stream.resume();
    await new Promise<void>((resolve, reject) => void stream.once('end', resolve).once('error', reject));
  }

  #fail({ name, file = '', line = 0, details: { error } }: EventData.TestFail): void {
    // a suite fails because of a test in it, which has its own entry
    if ((error as { failureType?: string }).failureType === 'subtestsFailed') return;
    const where = `${relative(this.#root, file)}:${line}`;
    const text =
      error.cause instanceof Error ? inspect(error.cause) : `${error.message} ${String(error.cause ?? '')}`;
    if (this.#json) this.#line({ event: 'failure', name, where, error: text });
    else this.#failures.push(`✖ ${name} (${where})\n${indent(text)}`);
  }

  #summary({ file, counts, duration_ms: durationMs }: EventData.TestSummary, onTerminal: boolean): void {
    if (file === undefined) {
      this.#counts = counts;
      this.ran = counts.tests - counts.skipped;
      this.failed = counts.tests - counts.passed - counts.skipped - counts.todo;
      return;
    }
    const path = relative(this.#root, file);
    this.#times.set(path, Math.round(durationMs));
    if (onTerminal) return;
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo;
    const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
    this.say(
      'file',
      `${failed === 0 ? '✔' : '✖'} ${path}: ${counts.tests} tests${skipped}, ${(durationMs / 1000).toFixed(1)} s`,
      {
        file: path,
        tests: counts.tests,
        failed,
        skipped: counts.skipped,
        durationMs: Math.round(durationMs),
      },
    );
  }

  /** One line of progress. */
  say(event: string, text: string, data: object): void {
    if (this.#json) this.#line({ event, ...data });
    else process.stdout.write(`${text}\n`);
  }

  /** Something that makes the run fail. */
  problem(kind: string, text: string): void {
    if (this.#json) this.#line({ event: 'problem', kind, text });
    else this.#failures.push(`✖ ${text}`);
  }

  coverage(folders: readonly FolderCoverage[]): void {
    for (const { folder, lines, covered, percent } of folders) {
      const name = (folder === '.' ? 'src/*.ts' : `src/${folder}`).padEnd(22);
      const data = { folder, lines, covered, percent: Number(percent.toFixed(1)) };
      this.say('coverage', `  ${name} ${percent.toFixed(1).padStart(5)} % of ${lines} lines`, data);
    }
  }

  /** Milliseconds that each file took. */
  times(): Record<string, number> {
    return Object.fromEntries(this.#times);
  }

  /** The closing lines: what failed, the slowest files, node's own summary, the time. */
  close({ good, totalMs, networkMs }: { good: boolean; totalMs: number; networkMs: number }): void {
    const slowest = [...this.#times].toSorted((a, b) => b[1] - a[1]).slice(0, SLOWEST_SHOWN);
    if (this.#json) {
      const times = { totalMs: Math.round(totalMs), networkMs: Math.round(networkMs) };
      this.#line({
        result: good ? 'passed' : 'failed',
        ...this.#counts,
        ...times,
        slowest: Object.fromEntries(slowest),
      });
      return;
    }
    const out = [
      ...this.#failures,
      'slowest files:',
      ...slowest.map(([path, ms]) => `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${path}`),
      ...this.#closing.map((line) => `ℹ ${line}`),
      `${good ? 'passed' : 'FAILED'} in ${(totalMs / 1000).toFixed(1)} s (${(networkMs / 1000).toFixed(1)} s before the first test)`,
    ];
    process.stdout.write(`${out.join('\n')}\n`);
  }

  #line(data: object): void {
    process.stdout.write(`${JSON.stringify(data)}\n`);
  }
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
