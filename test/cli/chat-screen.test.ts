/** The conversation's screen on a terminal, looked at as the terminal would show it. */

import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { ChatScreen, type ScreenStreams } from '../../src/cli/chat-screen.ts';
import { Output } from '../../src/cli/output.ts';

const COLUMNS = 20;

/** As much of a terminal as readline uses: text that wraps, going up, to a column, and clearing what is below. */
class Terminal extends PassThrough {
  readonly isTTY = true;
  readonly columns = COLUMNS;
  readonly rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  override write(text: unknown): boolean {
    for (const [, escape, up, column, newline, return_, glyph] of String(text).matchAll(
      /(\u001b\[(?:(\d+)A|(\d+)G|0?J|K))|(\r?\n)|(\r)|([\s\S])/g,
    )) {
      if (up !== undefined) this.#row -= Number(up);
      else if (column !== undefined) this.#column = Number(column) - 1;
      else if (escape !== undefined) this.#clear(escape.endsWith('J'));
      else if (newline !== undefined) this.#down();
      else if (return_ !== undefined) this.#column = 0;
      else this.#put(glyph ?? '');
    }
    return true;
  }

  #down(): void {
    this.#row++;
    this.#column = 0;
    this.rows[this.#row] ??= [];
  }

  #put(glyph: string): void {
    if (this.#column === COLUMNS) this.#down();
    const row = this.rows[this.#row];
    assert.ok(row, 'the cursor is on the screen');
    row[this.#column++] = glyph;
  }

  #clear(below: boolean): void {
    this.rows[this.#row]?.splice(this.#column);
    if (below) this.rows.splice(this.#row + 1);
  }

  get shown(): string[] {
    return this.rows.map((row) => row.join('').trimEnd());
  }
}

function rig(t: TestContext) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  const stdout = new Terminal();
  const streams = { stdin, stdout, stderr: stdout } as unknown as ScreenStreams & {
    stderr: NodeJS.WriteStream;
  };
  const screen = new ChatScreen(new Output(false, streams, { NO_COLOR: '1' }), 'bob> ', streams);
  const lines: string[] = [];
  const ended = (async () => {
    for await (const line of screen.lines()) lines.push(line);
  })();
  t.after(() => screen.close());
  const type = async (text: string) => {
    stdin.write(text);
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const print = (text: string) => screen.print((output) => output.event('x', {}, text));
  return { screen, stdout, lines, ended, type, print };
}

test('what comes is printed above the prompt, and what is typed stays', async (t) => {
  const { stdout, lines, type, print } = rig(t);
  await type('hel');
  print('bob: good morning');
  assert.deepEqual(stdout.shown, ['bob: good morning', 'bob> hel']);
  await type('lo\r');
  assert.deepEqual(lines, ['hello']);
  assert.deepEqual(stdout.shown, ['bob: good morning', 'bob> hello', 'bob>']);
});

test('a line that wraps over several rows is neither lost nor doubled', async (t) => {
  const { stdout, lines, type, print } = rig(t);
  const long = 'a text that takes three rows of this terminal';
  await type(long);
  print('one');
  print('two');
  const wrapped = `bob> ${long}`.match(/.{1,20}/g)?.map((row) => row.trimEnd());
  assert.deepEqual(stdout.shown, ['one', 'two', ...(wrapped ?? [])]);
  await type('\r');
  assert.deepEqual(lines, [long]);
});

test('Ctrl-C and Ctrl-D leave; printing goes on without a prompt', async (t) => {
  for (const key of ['\u0003', '\u0004']) {
    const { stdout, ended, type, print } = rig(t);
    await type(key);
    await ended;
    print('bye');
    assert.deepEqual(stdout.shown, ['bob>', 'bye', '']);
  }
});
