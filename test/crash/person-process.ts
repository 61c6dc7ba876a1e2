/** A person's process (child.ts) as its parent has it: started, asked, ended without warning, and served with onions. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import type { PublishedOnion, PublishOptions } from '../../src/transport-tor/onion-services.ts';
import type { Report, Said } from './parent.ts';

export class PersonProcess {
  readonly name: string;
  readonly dir: string;
  readonly #tor: FakeTor;
  readonly #rate: number;
  readonly #onions = new Map<string, PublishedOnion>();
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #process: ChildProcess | undefined;
  #ready = Promise.withResolvers<void>();
  #isReady = false;
  #nextId = 1;

  constructor(name: string, dir: string, tor: FakeTor, rate: number) {
    this.name = name;
    this.dir = dir;
    this.#tor = tor;
    this.#rate = rate;
    mkdirSync(dir, { mode: 0o700 });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    this.#ready = Promise.withResolvers();
    this.#isReady = false;
    const args = [this.dir, this.#tor.socksPath, String(this.#rate)];
    const child = fork(join(import.meta.dirname, 'child.ts'), args, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: this.#environment(),
    });
    this.#process = child;
    child.on('message', (said: Said) => {
      if (child === this.#process) this.#hear(child, said);
    });
  }

  /** Later lives load what the first has compiled. None lives to write down its coverage. */
  #environment(): NodeJS.ProcessEnv {
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    return { ...env, NODE_COMPILE_CACHE: join(this.dir, '..', 'compiled') };
  }

  async ready(): Promise<void> {
    await Promise.race([
      this.#ready.promise,
      once(this.#process as ChildProcess, 'exit').then(([code]) => {
        throw new Error(`${this.name} ended by itself: ${String(code)}`);
      }),
    ]);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process as ChildProcess;
    this.#process = undefined;
    if (child.exitCode !== null) throw new Error(`${this.name} had ended by itself: ${child.exitCode}`);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    for (const answer of this.#asked.values()) answer.reject(new Error('killed'));
    this.#asked.clear();
  }

  async end(): Promise<void> {
    if (this.#process !== undefined && this.#process.exitCode === null) await this.kill();
  }

  call(method: string, ...args: unknown[]): Promise<unknown> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    answer.promise.catch(() => {}); // a kill may come before anybody waits
    this.#asked.set(id, answer);
    this.#process?.send({ type: 'call', id, method, args } satisfies Said);
    return answer.promise;
  }

  report(): Promise<Report> {
    return this.call('report') as Promise<Report>;
  }

  /** Texts whose `send` returned. */
  saved(): string[] {
    const path = join(this.dir, 'saved.log');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }

  #hear(child: ChildProcess, said: Said): void {
    if (said.type === 'ready') {
      this.#isReady = true;
      this.#ready.resolve();
    } else if (said.type === 'ask') {
      void this.#do(said.method, said.args).then(
        (value) => this.#answer(child, { type: 'answer', to: 'ask', id: said.id, value }),
        (error) =>
          this.#answer(child, { type: 'answer', to: 'ask', id: said.id, value: null, error: String(error) }),
      );
    } else if (said.type === 'answer') {
      const answer = this.#asked.get(said.id);
      this.#asked.delete(said.id);
      if (said.error === undefined) answer?.resolve(said.value);
      else answer?.reject(new Error(said.error));
    }
  }

  #answer(child: ChildProcess, said: Said): void {
    if (child === this.#process && child.connected) child.send(said, () => {});
  }

  async #do(method: string, args: readonly unknown[]): Promise<unknown> {
    const { services } = this.#tor;
    const [first, second, third] = args as [string, Uint8Array, PublishOptions];
    switch (method) {
      case 'publish': {
        const onion = await services.publish(second, third);
        this.#onions.set(first, onion);
        return onion.host;
      }
      case 'setClients':
        return this.#onions.get(first)?.setClients(args[1] as Uint8Array[]);
      case 'close':
        return this.#onions.get(first)?.close();
      case 'addClientKey':
        return services.addClientKey(first, second);
      case 'removeClientKey':
        return services.removeClientKey(first);
      default:
        throw new Error(`no method ${method}`);
    }
  }
}
