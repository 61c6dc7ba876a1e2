/**
 * The control connection to one tor: commands with replies in order, events as they come.
 *
 * Specification: control-spec (spec.torproject.org/control-spec). Commands may be sent ahead; tor answers in
 * order, so a command that was aborted or timed out keeps its place and its late reply is dropped. Any byte that
 * is not the protocol ends the connection. It never reconnects: its owner decides what a lost tor means.
 */

import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '../../safety/clock.ts';
import { type RandomBytes, systemRandom } from '../../safety/random.ts';
import { authenticate } from './control-auth.ts';
import { encodeCommand, type QuotedWord } from './control-command.ts';
import { type ControlReply, ControlReplyDecoder } from './control-reply.ts';
import { ControlError } from './errors.ts';
import {
  CONTROL_OPEN_RETRY_MS,
  CONTROL_OPEN_TIMEOUT_MS,
  CONTROL_TIMEOUT_MS,
  MAX_PENDING_COMMANDS,
} from './limits.ts';

export interface CommandOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until CONTROL_TIMEOUT; default 30 s. */
  readonly timeoutMs?: number;
}

export interface ControlInit {
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
}

/** Called for each event whose first word is `name`, e.g. `HS_DESC`; the reply's first line starts with it. */
export type EventListener = (reply: ControlReply) => void;

interface Waiting {
  readonly resolve: (reply: ControlReply) => void;
  readonly reject: (error: Error) => void;
}

export class ControlClient {
  /** Resolves, never rejects, with the reason once the connection is gone. */
  readonly closed: Promise<ControlError>;
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #decoder = new ControlReplyDecoder();
  /** Commands in the order sent; null where nobody waits for the reply any more. */
  readonly #waiting: (Waiting | null)[] = [];
  readonly #listeners = new Map<string, Set<EventListener>>();
  #failure: ControlError | null = null;
  #resolveClosed: (error: ControlError) => void = () => {};

  /** Takes over an open and already authenticated stream, such as tor's owning controller connection. */
  constructor(socket: Duplex, init: ControlInit = {}) {
    this.#socket = socket;
    this.#clock = init.clock ?? systemClock;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    socket.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    socket.on('error', (cause: Error) => this.#fail('CONTROL_LOST', 'the control connection broke', cause));
    socket.on('close', () => this.#fail('CONTROL_LOST', 'tor closed the control connection'));
    socket.on('end', () => this.#fail('CONTROL_LOST', 'tor closed the control connection'));
  }

  /**
   * Opens the unix socket at `path`, waiting for a tor that is just starting, and authenticates with the cookie.
   * Throws ControlError (CONTROL_UNREACHABLE, CONTROL_AUTH, ...) or the signal's reason.
   */
  static async connect(
    path: string,
    init: ControlInit & { readonly signal?: AbortSignal | undefined; readonly openTimeoutMs?: number } = {},
  ): Promise<ControlClient> {
    const clock = init.clock ?? systemClock;
    const deadline = clock.monotonic() + (init.openTimeoutMs ?? CONTROL_OPEN_TIMEOUT_MS);
    for (;;) {
      init.signal?.throwIfAborted();
      const opened = await open(path);
      if (!(opened instanceof Error)) {
        const client = new ControlClient(opened, init);
        try {
          const { signal, random = systemRandom } = init;
          await authenticate((keyword, words) => client.command(keyword, words, { signal }), random);
        } catch (error) {
          client.close();
          throw error;
        }
        return client;
      }
      if (clock.monotonic() >= deadline) throw unreachable(opened);
      await clock.sleep(CONTROL_OPEN_RETRY_MS, init.signal);
    }
  }

  /**
   * Sends one command and waits for its reply. Words are checked: see control-command.ts. Throws ControlError:
   * CONTROL_REFUSED with `data.status` for a 4xx or 5xx answer, CONTROL_TIMEOUT, CONTROL_LOST, CONTROL_BUSY;
   * or the signal's reason. After an abort or a timeout the command may still have been carried out.
   */
  async command(
    keyword: string,
    words: readonly (string | QuotedWord)[] = [],
    options: CommandOptions = {},
  ): Promise<ControlReply> {
    const line = encodeCommand(keyword, words);
    options.signal?.throwIfAborted();
    const reply = await this.#send(keyword, line, options);
    if (reply.status >= 400) throw refused(keyword, reply);
    return reply;
  }

  /** Calls `listener` for events named `name` until the returned function is called. SETEVENTS is the caller's. */
  listen(name: string, listener: EventListener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Ends the connection; commands in flight fail with CONTROL_LOST. */
  close(): void {
    this.#fail('CONTROL_LOST', 'the control connection was closed by kith');
  }

  async #send(keyword: string, line: string, { signal, timeoutMs }: CommandOptions): Promise<ControlReply> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#waiting.length >= MAX_PENDING_COMMANDS) {
      throw new ControlError('CONTROL_BUSY', 'too many control commands are waiting', {
        hint: 'tor has stopped answering; wait for it or restart it.',
      });
    }
    const limit = timeoutMs ?? CONTROL_TIMEOUT_MS;
    const done = new AbortController();
    try {
      return await new Promise<ControlReply>((resolve, reject) => {
        const entry: Waiting = { resolve, reject };
        this.#waiting.push(entry);
        const giveUp = (reason: Error): void => {
          const at = this.#waiting.indexOf(entry);
          if (at >= 0) this.#waiting[at] = null;
          reject(reason);
        };
        signal?.addEventListener('abort', () => giveUp(signal.reason as Error), { signal: done.signal });
        this.#clock.sleep(limit, done.signal).then(
          () => giveUp(timedOut(keyword, limit)),
          () => {}, // the reply came first
        );
        this.#socket.write(line, 'latin1');
      });
    } finally {
      done.abort();
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#failure !== null) return;
    let replies: ControlReply[];
    try {
      replies = this.#decoder.push(bytes);
    } catch (cause) {
      this.#fail('CONTROL_GARBAGE', 'the control socket sent bytes that are not the control protocol', cause);
      return;
    }
    for (const reply of replies) {
      if (reply.status >= 600) this.#event(reply);
      else if (!this.#answer(reply)) return;
    }
  }

  #answer(reply: ControlReply): boolean {
    const entry = this.#waiting.shift();
    if (entry === undefined) {
      this.#fail('CONTROL_GARBAGE', 'the control socket sent a reply to no command');
      return false;
    }
    entry?.resolve(reply);
    return true;
  }

  #event(reply: ControlReply): void {
    const name = reply.lines[0]?.text.split(' ', 1)[0] ?? '';
    for (const listener of this.#listeners.get(name) ?? []) listener(reply);
  }

  #fail(code: 'CONTROL_LOST' | 'CONTROL_GARBAGE', message: string, cause?: unknown): void {
    if (this.#failure !== null) return;
    const hint =
      code === 'CONTROL_GARBAGE'
        ? 'Another program may sit on the control socket; check who can write to the data directory.'
        : 'kith restarts tor by itself; see the tor status for the reason.';
    this.#failure = new ControlError(code, message, { hint, cause });
    this.#socket.destroy();
    for (const entry of this.#waiting.splice(0)) entry?.reject(this.#failure);
    this.#listeners.clear();
    this.#resolveClosed(this.#failure);
  }
}

/** A connected socket, or the error of a try that failed. */
function open(path: string): Promise<Socket | Error> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(socket));
    socket.on('error', (error) => resolve(error)); // stays on: a socket without a listener ends the process
  });
}

function unreachable(cause: Error): ControlError {
  return new ControlError('CONTROL_UNREACHABLE', 'the control socket of tor cannot be opened', {
    hint: 'tor may have failed at its start: look at its status.',
    data: { reason: String((cause as NodeJS.ErrnoException).code ?? 'unknown') },
    cause,
  });
}

function timedOut(keyword: string, limitMs: number): ControlError {
  return new ControlError('CONTROL_TIMEOUT', `tor did not answer ${keyword} in time`, {
    hint: 'The machine may be overloaded or tor stopped; kith restarts a tor that stays silent.',
    data: { keyword, limitMs },
  });
}

function refused(keyword: string, reply: ControlReply): ControlError {
  // tor's text may quote an argument (an address, a key), so it goes into no message
  return new ControlError('CONTROL_REFUSED', `tor refused ${keyword} with status ${reply.status}`, {
    hint: 'The installed tor may lack this command or option: `kith doctor` checks it.',
    data: { keyword, status: reply.status },
  });
}
