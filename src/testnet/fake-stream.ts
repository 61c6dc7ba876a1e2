/**
 * One stream through the fake network: two delay lines between the dialer's socket and the service's.
 *
 * What it has in common with a tor stream: bytes keep their order whatever the jitter; a full line stops reading
 * its source, so backpressure goes end to end; there is no half-close (a RELAY_END ends both directions: what was
 * under way to the side that ended is lost); a cut circuit closes both sockets at once. What it has not: cells,
 * windows, a bandwidth limit.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../safety/clock.ts';

/** What all lines of a network share; read anew for each chunk, so a test may change it under way. */
export interface LineConditions {
  /** One way, drawn for each chunk. */
  delayMs(): number;
  /** Resolves at once, or when the network no longer stalls. */
  moving(signal: AbortSignal): Promise<void>;
  /** Bytes that one direction of one stream may hold before its source is paused. */
  readonly bufferBytes: number;
  /** Called whenever the bytes held in all lines change. */
  held(change: number): void;
}

interface Item {
  readonly bytes: Uint8Array | null;
  readonly dueMs: number;
}

/** Carries bytes one way. Order of life: `open` takes the source, `deliver` the destination, `drop` ends both. */
class DelayLine {
  readonly #conditions: LineConditions;
  readonly #clock: Clock;
  readonly #items: Item[] = [];
  #bytes = 0;
  #lastDueMs = 0;
  #dropping = false;
  #source: Socket | undefined;
  #wake: (() => void) | undefined;

  constructor(conditions: LineConditions, clock: Clock) {
    this.#conditions = conditions;
    this.#clock = clock;
  }

  open(source: Socket, onEnd: () => void): void {
    this.#source = source;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      this.push(null);
      onEnd();
    };
    source.on('data', (chunk: Buffer) => this.push(chunk));
    source.on('end', end);
    source.on('close', end);
    source.resume();
  }

  push(bytes: Uint8Array | null): void {
    if (this.#dropping) return;
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#clock.monotonic() + this.#conditions.delayMs());
    this.#items.push({ bytes, dueMs: this.#lastDueMs });
    this.#count(bytes?.length ?? 0);
    this.#wake?.();
  }

  /** Runs until the end of the source has been delivered; rejects when `signal` is aborted. */
  async deliver(destination: Socket, signal: AbortSignal): Promise<void> {
    for (;;) {
      const item = this.#items[0] ?? (await this.#next(signal));
      const waitMs = item.dueMs - this.#clock.monotonic();
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
      await this.#conditions.moving(signal);
      signal.throwIfAborted();
      if (this.#items[0] !== item) continue;
      this.#items.shift();
      if (item.bytes === null) return;
      // counted until the destination took it: a reader that stops must stop the source
      try {
        if (!destination.write(item.bytes)) await drained(destination, signal);
      } finally {
        this.#count(-item.bytes.length);
      }
    }
  }

  /** From now on bytes are read and thrown away, as tor does for a stream that has ended. */
  drop(): void {
    this.#dropping = true;
    for (const item of this.#items.splice(0)) this.#count(-(item.bytes?.length ?? 0));
    this.#source?.resume();
  }

  #count(change: number): void {
    this.#bytes += change;
    this.#conditions.held(change);
    if (this.#bytes >= this.#conditions.bufferBytes) this.#source?.pause();
    else if (this.#source?.isPaused() === true) this.#source.resume();
  }

  #next(signal: AbortSignal): Promise<Item> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#wake = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', abort);
        resolve(this.#items[0] as Item);
      };
    });
  }
}

function drained(socket: Socket, signal: AbortSignal): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      signal.removeEventListener('abort', abort);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const abort = (): void => done();
    socket.on('drain', done);
    socket.on('close', done);
    signal.addEventListener('abort', abort, { once: true });
  });
}

export interface FakeStreamInit {
  readonly client: Socket;
  /** Connects to the service; called when the BEGIN cell has arrived there. */
  readonly connect: (signal: AbortSignal) => Promise<Socket>;
  /** Bytes that answer the dialer: the stream is open, or the service refused. */
  readonly opened: Uint8Array;
  readonly refused: Uint8Array;
  readonly conditions: LineConditions;
  readonly clock: Clock;
}

/** A stream from the moment the circuit exists. `run` settles, never rejects, when both sockets are gone. */
export class FakeStream {
  readonly #init: FakeStreamInit;
  readonly #cut = new AbortController();
  #service: Socket | undefined;

  constructor(init: FakeStreamInit) {
    this.#init = init;
  }

  /** Cuts the circuit under the stream. */
  kill(): void {
    this.#cut.abort(new Error('circuit cut'));
  }

  async run(): Promise<void> {
    const { client, clock, conditions, connect, opened, refused } = this.#init;
    const { signal } = this.#cut;
    const up = new DelayLine(conditions, clock);
    const down = new DelayLine(conditions, clock);
    const bothEnded = Promise.withResolvers<void>();
    let ended = 0;
    const onEnd = (opposite: DelayLine) => (): void => {
      opposite.drop();
      if (++ended === 2) bothEnded.resolve();
    };
    try {
      up.open(client, onEnd(down));
      await clock.sleep(conditions.delayMs(), signal);
      await conditions.moving(signal);
      const service = await connect(signal).catch(() => undefined);
      signal.throwIfAborted();
      down.push(service === undefined ? refused : opened);
      if (service === undefined) down.push(null);
      else down.open(service, onEnd(up));
      this.#service = service;
      const ends = [bothEnded.promise, down.deliver(client, signal)];
      if (service !== undefined) ends.push(up.deliver(service, signal));
      // whichever end arrives first closes both sockets, after what was already delivered has been flushed
      await Promise.race(ends);
      for (const socket of [client, service]) if (socket !== undefined) await flushed(socket, signal);
    } catch {
      // cut: nothing is flushed
    } finally {
      this.#cut.abort(new Error('stream over'));
      client.destroy();
      this.#service?.destroy();
      up.drop();
      down.drop();
    }
  }
}

/** Resolves when everything written to the socket has left, or the socket is gone. */
function flushed(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    socket.on('close', done);
    socket.end(done);
  });
}
