/** One tor of the private network, and how far it is. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBootstrap } from '../transport-tor/tor/bootstrap.ts';
import { ControlClient } from '../transport-tor/tor/control.ts';
import type { ControlReply } from '../transport-tor/tor/control-reply.ts';
import { type TorExit, TorProcess } from '../transport-tor/tor/process.ts';

export interface MemberInit {
  readonly name: string;
  readonly folder: string;
  readonly torPath: string;
  readonly torrc: string;
  /** Told the pid as soon as there is one; returns what to call after the end. */
  readonly watch: (pid: number) => () => void;
  readonly signal?: AbortSignal | undefined;
}

export class Member {
  readonly name: string;
  readonly process: TorProcess;
  readonly #control: ControlClient;
  /** Circuit of useCircuit() that is open now. */
  #circuit: string | null = null;

  private constructor(name: string, torProcess: TorProcess) {
    this.name = name;
    this.process = torProcess;
    this.#control = new ControlClient(torProcess.owner);
  }

  /** Writes the configuration and starts tor; whether it lives is for `process.exited` to say. */
  static async start(init: MemberInit): Promise<Member> {
    const torrcPath = join(init.folder, 'torrc');
    await mkdir(init.folder, { recursive: true, mode: 0o700 });
    await writeFile(torrcPath, init.torrc, { mode: 0o600 });
    init.signal?.throwIfAborted();
    const started = new TorProcess({ binary: init.torPath, torrcPath });
    if (started.pid !== undefined) {
      const forget = init.watch(started.pid);
      void started.exited.then(forget); // never rejects
    }
    return new Member(init.name, started);
  }

  /** Resolves once tor has built a circuit of its own (bootstrap 100 %). Rejects when the connection ends first. */
  async bootstrapped(signal: AbortSignal): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#control.listen('STATUS_CLIENT', (reply) => {
        if (isDone(reply, 'STATUS_CLIENT ')) resolve();
      });
    });
    await this.#control.command('SETEVENTS', ['STATUS_CLIENT'], { signal });
    const now = await this.#control.command('GETINFO', ['status/bootstrap-phase'], { signal });
    if (isDone(now, 'status/bootstrap-phase=')) return;
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.race([
        reached,
        aborted.promise,
        this.#control.closed.then((error) => Promise.reject(error)),
      ]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Makes tor forget how long it wanted to wait before the next download (it does so at SIGHUP). */
  async retryDownloads(): Promise<void> {
    await this.#control.command('SIGNAL', ['RELOAD']);
  }

  /** How many relays the consensus lists that this tor has. */
  async listedRelays(signal: AbortSignal): Promise<number> {
    const { lines } = await this.#control.command('GETINFO', ['ns/all'], { signal });
    return (lines[0]?.data ?? '').split('\n').filter((line) => line.startsWith('r ')).length;
  }

  /** RSA fingerprint of this relay, 40 hex. Rejects when it is gone. */
  async fingerprint(): Promise<string> {
    const { lines } = await this.#control.command('GETINFO', ['fingerprint']);
    return (lines[0]?.text ?? '').slice('fingerprint='.length);
  }

  /** Builds a circuit along `path` (fingerprints) and closes the one before. Rejects when tor is gone or will not. */
  async useCircuit(path: readonly string[]): Promise<void> {
    const last = this.#circuit;
    this.#circuit = null;
    if (last !== null) await this.#control.command('CLOSECIRCUIT', [last]).catch(() => {}); // it may have ended
    const hops = path.map((fingerprint) => `$${fingerprint}`).join(',');
    const { lines } = await this.#control.command('EXTENDCIRCUIT', ['0', hops]);
    this.#circuit = /^EXTENDED (\d+)$/.exec(lines[0]?.text ?? '')?.[1] ?? null;
  }

  /** Asks nicely by dropping the owning connection; the reaper's kill follows. */
  async stop(): Promise<TorExit> {
    this.#control.close();
    return this.process.stop();
  }
}

function isDone(reply: ControlReply, prefix: string): boolean {
  return reply.lines.some(
    ({ text }) => text.startsWith(prefix) && parseBootstrap(text.slice(prefix.length))?.progress === 100,
  );
}
