/**
 * Lines typed by a person below lines that come by themselves. On a terminal what comes is printed above the prompt,
 * and what is being typed stays; in a pipe there is no prompt, and lines are read one after the other.
 */

import { createInterface, cursorTo, clearScreenDown, type Interface, moveCursor } from 'node:readline';
import type { Output } from './output.ts';

export interface ScreenStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

export class ChatScreen {
  readonly output: Output;
  readonly #lines: Interface;
  readonly #stdout: NodeJS.WriteStream;
  readonly #live: boolean;
  readonly #typed: AsyncIterable<string>;
  #closed = false;
  /** The cursor is behind a prompt. */
  #prompted = false;

  /** `streams` are those that `output` writes to. */
  constructor(output: Output, prompt: string, streams: ScreenStreams) {
    const { stdin, stdout } = streams;
    this.output = output;
    this.#stdout = stdout;
    this.#live = !output.json && stdin.isTTY === true && stdout.isTTY === true;
    this.#lines = createInterface({
      input: stdin,
      ...(this.#live ? { output: stdout, terminal: true } : {}),
      prompt,
      historySize: 200,
    });
    const typed = this.#lines[Symbol.asyncIterator](); // now, or lines that come before they are read are lost
    this.#typed = { [Symbol.asyncIterator]: () => typed };
    this.#lines.once('close', () => {
      this.#closed = true;
      if (this.#prompted) stdout.write('\n');
    });
    this.#lines.on('line', () => {
      this.#prompted = false;
    });
    this.#lines.on('SIGINT', () => this.close()); // Ctrl-C, which a raw terminal sends as a key
  }

  /** Whether there is a prompt. */
  get live(): boolean {
    return this.#live;
  }

  /** Each line as it is typed, until Ctrl-D, Ctrl-C, the end of the pipe, or {@link close}. */
  async *lines(): AsyncGenerator<string> {
    this.#prompt();
    for await (const line of this.#typed) {
      yield line;
      this.#prompt();
    }
  }

  /** Prints above the prompt. */
  print(write: (output: Output) => void): void {
    if (!this.#live || this.#closed) {
      write(this.output);
      return;
    }
    moveCursor(this.#stdout, 0, -this.#lines.getCursorPos().rows);
    cursorTo(this.#stdout, 0);
    clearScreenDown(this.#stdout);
    write(this.output);
    // the cursor is where the prompt begins again: readline would go up by the rows it wrote before
    (this.#lines as Interface & { prevRows?: number }).prevRows = 0;
    this.#prompt();
  }

  close(): void {
    if (!this.#closed) this.#lines.close();
  }

  /** Keeps what was typed already. */
  #prompt(): void {
    if (!this.#live || this.#closed) return;
    this.#prompted = true;
    this.#lines.prompt(true);
  }
}
