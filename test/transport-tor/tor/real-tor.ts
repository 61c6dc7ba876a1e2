/** Real tors on the test network for tests: quick to make, sure to be gone, and a SOCKS client of a few bytes. */

import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tor, type TorInit } from '../../../src/transport-tor/tor/tor.ts';

export async function temporaryDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'kt-'));
}

/** A tor in a directory of its own; stopped and removed at the end of its block. */
export class TestTor implements AsyncDisposable {
  readonly tor: Tor;
  readonly dir: string;

  private constructor(tor: Tor, dir: string) {
    this.tor = tor;
    this.dir = dir;
  }

  static async create(init: Partial<TorInit>): Promise<TestTor> {
    const dir = await temporaryDir();
    return new TestTor(new Tor({ dataDir: dir, ...init }), dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tor.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** A unix socket that sends back what it gets. */
export class EchoServer implements AsyncDisposable {
  readonly path: string;
  readonly #dir: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(dir: string) {
    this.#dir = dir;
    this.path = join(dir, 's');
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.pipe(socket);
    });
  }

  static async start(): Promise<EchoServer> {
    const echo = new EchoServer(await temporaryDir());
    await new Promise<void>((resolve) => echo.#server.listen(echo.path, resolve));
    return echo;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** SOCKS status of a failed connect; -1 when the proxy closed without one. */
export class SocksStatus extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`SOCKS status ${status.toString(16)}`);
    this.status = status;
  }
}

let counter = 0;

/**
 * Connects to port 1000 of `host` through `tor` on circuits of its own, sends `text` and resolves with the echo.
 * tor sets the status of an earlier, repaired failure on the reply of a connect that then worked, so a status
 * above 0xF0 only counts when the connection is closed behind it.
 */
export function echoThrough(tor: Tor, host: string, text: string, timeoutMs = 30_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: tor.socksPath });
    let status = -1;
    const timer = setTimeout(() => settle(() => reject(new Error('no echo in time'))), timeoutMs);
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      done();
    };
    socket.on('error', () => {});
    socket.on('close', () => settle(() => reject(new SocksStatus(status))));
    const name = Buffer.from(`${host}.onion`);
    const user = Buffer.from(`test-${(counter += 1)}`);
    const steps: [request: Buffer, replyBytes: number][] = [
      [Buffer.from([5, 1, 2]), 2],
      [Buffer.from([1, user.length, ...user, 1, 120]), 2],
      [Buffer.from([5, 1, 0, 3, name.length, ...name, 1000 >> 8, 1000 & 255]), 22],
    ];
    let seen = Buffer.alloc(0);
    let step = 0;
    const send = (): void => {
      socket.write(steps[step]?.[0] ?? Buffer.from(text));
    };
    socket.on('connect', send);
    socket.on('data', (bytes: Buffer) => {
      seen = Buffer.concat([seen, bytes]);
      for (let size = steps[step]?.[1]; size !== undefined; size = steps[step]?.[1]) {
        if (seen.length < size && !(step === 2 && seen.length === 10)) return;
        status = seen[1] as number;
        seen = seen.subarray(step === 2 && seen[3] === 1 ? 10 : size);
        step += 1;
        if (step < 3 || status === 0 || status >= 0xf0) send();
      }
      if (seen.length >= Buffer.byteLength(text)) settle(() => resolve(seen.toString()));
    });
  });
}

/** Tries again on circuits and descriptors of its own until the echo comes: a new service takes a moment. */
export async function eventualEcho(
  tor: Tor,
  host: string,
  text: string,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await echoThrough(tor, host, text, 5_000);
    } catch {
      await tor.services.refresh(host, signal);
    }
  }
}
