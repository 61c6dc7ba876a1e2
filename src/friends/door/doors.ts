/**
 * Runs a door for each open invite: opens those that are new, closes those that are gone, and tries again where tor did
 * not let one open. A closed door's onion is gone, and nobody can tell that it was ours.
 */

import { BUNDLE_PROTOCOL, REQUEST_PROTOCOL } from '../../wire/door-request.ts';
import { toHex } from '../../safety/bytes.ts';
import type { Clock } from '../../safety/clock.ts';
import type { Provider } from '../../safety/crypto/provider.ts';
import { type Log, silent } from '../../safety/log.ts';
import { chanceOf, type RandomBytes } from '../../safety/random.ts';
import type { OnionEndpoint } from '../../transport-tor/endpoint.ts';
import { codeOf } from '../link/errors.ts';
import { Door, type DoorDelivery } from './door.ts';
import { DoorError } from './errors.ts';
import { REOPEN_MAX_MS, REOPEN_MIN_MS } from './limits.ts';

/** A door that should be open. */
export interface DoorSpec {
  /** Ed25519 seed of its onion, 32 bytes. */
  readonly seed: Uint8Array;
  /** 32 bytes. */
  readonly onionKey: Uint8Array;
  readonly public: boolean;
}

/** What of an {@link OnionEndpoint} a door needs. */
export type DoorEndpoint = Pick<OnionEndpoint, 'handle' | 'start' | 'stop'>;

export interface DoorsInit {
  /** Makes the endpoint of a door, not started. `pow`: with tor's proof of work. */
  readonly open: (door: { readonly seed: Uint8Array; readonly pow: boolean }) => DoorEndpoint;
  /** Cheap: before any cryptography. `invite` is the key of the door's onion. */
  readonly mayKnock: (invite: Uint8Array, token: Uint8Array | null) => boolean;
  readonly delivery: DoorDelivery;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly log?: Log;
  /** {@link Doors.stateOf} of this door is another now. */
  readonly onChange?: (onionKey: Uint8Array) => void;
}

/** `failed`: it did not open, and is tried again. */
export type DoorState = 'opening' | 'open' | 'failed';

interface Running {
  readonly onionKey: Uint8Array;
  readonly leave: AbortController;
  state: DoorState;
}

export class Doors {
  readonly #init: DoorsInit;
  readonly #log: Log;
  readonly #chance: () => number;
  readonly #doors = new Map<string, Running>();
  /** Doors that run or are being closed, by their key: an onion is not opened again before it is gone. None rejects. */
  readonly #work = new Map<string, Promise<void>>();
  #isStopped = false;

  constructor(init: DoorsInit) {
    this.#init = init;
    this.#log = init.log ?? silent;
    this.#chance = chanceOf(init.random);
  }

  /** From now on these doors and no others. */
  sync(doors: readonly DoorSpec[]): void {
    if (this.#isStopped) return;
    const wanted = new Map(doors.map((door) => [toHex(door.onionKey), door]));
    for (const id of this.#doors.keys()) if (!wanted.has(id)) this.#close(id);
    for (const [id, door] of wanted) if (!this.#doors.has(id)) this.#open(id, door);
  }

  /** Null: there is no such door. */
  stateOf(onionKey: Uint8Array): DoorState | null {
    return this.#doors.get(toHex(onionKey))?.state ?? null;
  }

  /** Closes all. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const id of this.#doors.keys()) this.#close(id);
    await Promise.all(this.#work.values());
  }

  #open(id: string, spec: DoorSpec): void {
    const running: Running = { onionKey: spec.onionKey, leave: new AbortController(), state: 'opening' };
    this.#doors.set(id, running);
    const before = this.#work.get(id) ?? Promise.resolve();
    const work: Promise<void> = before
      .then(() => this.#run(running, spec))
      .finally(() => {
        if (this.#work.get(id) === work) this.#work.delete(id);
      });
    this.#work.set(id, work);
  }

  #close(id: string): void {
    const running = this.#doors.get(id);
    this.#doors.delete(id);
    running?.leave.abort(new DoorError('DOOR_CLOSED'));
  }

  /** Never rejects. */
  async #run(running: Running, spec: DoorSpec): Promise<void> {
    const { signal } = running.leave;
    const endpoint = this.#endpointOf(spec);
    for (let waitMs = REOPEN_MIN_MS; !signal.aborted; waitMs = Math.min(2 * waitMs, REOPEN_MAX_MS)) {
      try {
        await endpoint.start(signal);
        this.#turn(running, 'open');
        await aborted(signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#log('warn', 'a door did not open', { code: codeOf(error) });
        this.#turn(running, 'failed');
        await this.#init.clock.sleep(waitMs * (0.5 + this.#chance() / 2), signal).catch(() => undefined);
      } finally {
        await endpoint.stop();
      }
    }
  }

  #endpointOf({ seed, onionKey, public: isPublic }: DoorSpec): DoorEndpoint {
    const { open, mayKnock, delivery, provider, clock } = this.#init;
    const endpoint = open({ seed, pow: isPublic });
    const door = new Door({ onionKey, isPublic, mayKnock, delivery, provider, clock, log: this.#log });
    endpoint.handle(BUNDLE_PROTOCOL, door.serveBundle);
    endpoint.handle(REQUEST_PROTOCOL, door.serveRequest);
    return endpoint;
  }

  #turn(running: Running, state: DoorState): void {
    if (running.leave.signal.aborted) return;
    running.state = state;
    this.#init.onChange?.(running.onionKey);
  }
}

/** Resolves when the signal ends. */
function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
