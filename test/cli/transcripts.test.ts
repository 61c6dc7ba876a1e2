/**
 * The command line as a person sees it: each .txt beside this file is a session in one fresh directory.
 *
 * `$ kith …` runs a command (in this process: running-node.test.ts and others start some of their own), `< ` a line on its standard input; the others below it are its whole output, `! ` before those on standard error; `? 69` is
 * its exit code (0 when left out). From `@ name` on the fake node of that name runs in the directory. `…` stands for
 * any text within a line (also for an empty one), DIR for the directory. `# ` begins a comment.
 */

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FakeNode, fakeNode, STANDINGS } from './fake-node.ts';
import { runHere } from './here.ts';

const HERE = new URL('.', import.meta.url);

process.env['TZ'] = 'UTC';

interface Step {
  readonly line: number;
  /** The fake node that runs meanwhile. */
  readonly node: string | null;
  readonly command: string;
  readonly stdout: string[];
  readonly stderr: string[];
  stdin: string;
  exitCode: number;
}

function parse(transcript: string): Step[] {
  const steps: Step[] = [];
  let node: string | null = null;
  for (const [index, text] of transcript.split('\n').entries()) {
    const step = steps.at(-1);
    if (text === '' || text.startsWith('# ')) continue;
    if (text.startsWith('@ ')) {
      node = text.slice(2);
    } else if (text.startsWith('$ ')) {
      steps.push({
        line: index + 1,
        node,
        command: text.slice(2),
        stdout: [],
        stderr: [],
        stdin: '',
        exitCode: 0,
      });
    } else if (step === undefined) {
      throw new Error(`line ${index + 1}: output before a command`);
    } else if (text.startsWith('? ')) {
      step.exitCode = Number(text.slice(2));
    } else if (text.startsWith('< ')) {
      step.stdin += `${text.slice(2)}\n`;
    } else if (text.startsWith('! ')) {
      step.stderr.push(text.slice(2));
    } else {
      step.stdout.push(text);
    }
  }
  return steps;
}

function pattern(lines: readonly string[]): RegExp {
  const escaped = lines.map((line) =>
    line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '[^\\n]*'),
  );
  return new RegExp(`^${escaped.map((line) => `${line}\\n`).join('')}$`);
}

async function run(command: string, stdin: string, dir: string) {
  const [program, ...args] = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  );
  assert.equal(program, 'kith');
  const env = { ...process.env, KITH_DATA: join(dir, 'data') };
  const ran = await runHere(
    args.map((arg) => arg.replace('DIR', dir)),
    stdin,
    env,
  );
  return { ...ran, stdout: ran.stdout.toString() };
}

for (const name of (await readdir(HERE)).filter((file) => file.endsWith('.txt'))) {
  test(`transcript ${name}`, async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'kith-cli-'));
    let running: { readonly name: string; readonly node: FakeNode } | undefined;
    t.after(async () => {
      await running?.node.stop();
      await rm(dir, { recursive: true, force: true });
    });
    for (const { line, node, command, stdin, stdout, stderr, exitCode } of parse(
      await readFile(new URL(name, HERE), 'utf8'),
    )) {
      if (node !== null && node !== running?.name) {
        await running?.node.stop();
        running = { name: node, node: await fakeNode(join(dir, 'data'), STANDINGS[node]) };
      }
      const ran = await run(command, stdin, dir);
      const where = `${name}:${line} $ ${command}`;
      assert.match(ran.stdout.replaceAll(dir, 'DIR'), pattern(stdout), where);
      assert.match(ran.stderr.replaceAll(dir, 'DIR'), pattern(stderr), where);
      assert.equal(ran.exitCode, exitCode, where);
    }
  });
}
