/**
 * One onion service that should be up: its key, who may enter, and whether the directories have it.
 *
 * The wanted state lives here; tor only holds a copy, which is gone with each tor and is added again to the next.
 * Changes of the client keys replace the service in tor (there is no other way), gathered so that it happens at
 * most once per ten seconds; streams that are open survive that, new ones fail for the seconds of the upload.
 */

import type { Clock } from '../safety/clock.ts';
import { addOnionWords, checkClientKeys, type OnionTarget } from './onion-command.ts';
import type { ControlClient } from './tor/control.ts';
import { ControlError, OnionServiceError } from './tor/errors.ts';
import { SET_CLIENTS_INTERVAL_MS, UPLOAD_TIMEOUT_MS } from './tor/limits.ts';

export interface OnionServiceInit {
  readonly host: string;
  /** Expanded secret key, base64. Stays inside. */
  readonly keyBlob: string;
  readonly target: OnionTarget;
  readonly clock: Clock;
  /** The control connection, null while tor is down. */
  readonly control: () => ControlClient | null;
  /** Told once, at the end. */
  readonly onClosed: () => void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class OnionService {
  readonly host: string;
  readonly #init: OnionServiceInit;
  #clientAuth: readonly Uint8Array[] | undefined;
  /** Those who wait for the next descriptor that a directory takes. */
  readonly #waiting = new Set<Waiting>();
  #failedUploads = 0;
  #lastChange = Number.NEGATIVE_INFINITY;
  #change: Promise<void> | null = null;
  readonly #closed = new AbortController();

  constructor(init: OnionServiceInit) {
    checkClientKeys(init.target.clientAuth);
    this.host = init.host;
    this.#init = init;
    this.#clientAuth = init.target.clientAuth;
  }

  /** Hands the service to the tor behind `control`. Throws OnionServiceError ONION_REFUSED, ControlError. */
  async add(control: ControlClient): Promise<void> {
    const words = addOnionWords(this.#init.keyBlob, { ...this.#init.target, clientAuth: this.#clientAuth });
    try {
      await control.command('ADD_ONION', words);
    } catch (error) {
      throw error instanceof ControlError && error.code === 'CONTROL_REFUSED' ? refused(error) : error;
    }
  }

  /** An HS_DESC event about this service: `UPLOADED` or `FAILED`. */
  descriptor(action: string): void {
    if (action === 'FAILED') this.#failedUploads += 1;
    if (action !== 'UPLOADED') return;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves at the next upload. Throws ONION_NOT_UPLOADED, ONION_CLOSED or the signal's reason. */
  async uploaded(signal?: AbortSignal, timeoutMs: number = UPLOAD_TIMEOUT_MS): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed.signal.aborted) throw closed();
    const done = new AbortController();
    const next = Promise.withResolvers<void>();
    this.#waiting.add(next);
    signal?.addEventListener('abort', () => next.reject(signal.reason as Error), { signal: done.signal });
    this.#init.clock.sleep(timeoutMs, done.signal).then(
      () => next.reject(notUploaded(timeoutMs, this.#failedUploads)),
      () => {}, // it was uploaded
    );
    try {
      await next.promise;
    } finally {
      this.#waiting.delete(next);
      done.abort();
    }
  }

  /**
   * Replaces the X25519 public keys of those who may connect; an empty list lets nobody in. Resolves when the
   * directories have a descriptor with these keys or newer ones. Throws OnionServiceError or the signal's reason,
   * after which the keys still count for the next upload.
   */
  async setClients(keys: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    checkClientKeys(keys);
    signal?.throwIfAborted();
    if (this.#closed.signal.aborted) throw closed();
    this.#clientAuth = [...keys];
    this.#change ??= this.#applyClients();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort);
    try {
      await Promise.race([this.#change, aborted.promise]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Takes the service down. Never throws: a tor that is gone has forgotten it already. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(closed());
    this.#init.onClosed();
    for (const { reject } of this.#waiting) reject(closed());
    this.#waiting.clear();
    await this.#init
      .control()
      ?.command('DEL_ONION', [this.host])
      .catch(() => {}); // see above
  }

  async #applyClients(): Promise<void> {
    const { clock } = this.#init;
    const waitMs = this.#lastChange + SET_CLIENTS_INTERVAL_MS - clock.monotonic();
    try {
      if (waitMs > 0) await clock.sleep(waitMs, this.#closed.signal);
      else await Promise.resolve(); // calls of the same moment share this change
      this.#lastChange = clock.monotonic();
    } finally {
      this.#change = null; // later calls need another change: these keys are on their way
    }
    const uploaded = this.uploaded();
    uploaded.catch(() => {}); // awaited below, unless tor refuses first
    const control = this.#init.control();
    if (control !== null) {
      try {
        await control.command('DEL_ONION', [this.host]).catch(passRefusal);
        await this.add(control);
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        // tor went away in between: the next one gets the newest keys, and its upload is waited for
      }
    }
    await uploaded;
  }
}

/** tor may not know the service (any more); then there is nothing to delete. */
function passRefusal(error: unknown): void {
  if (!(error instanceof ControlError) || error.code !== 'CONTROL_REFUSED') throw error;
}

function refused(cause: ControlError): OnionServiceError {
  return new OnionServiceError('ONION_REFUSED', 'tor would not create the onion service', {
    hint: 'Another service of this tor may have the same key, or tor lacks an option: see `kith doctor`.',
    data: cause.data,
    cause,
  });
}

function notUploaded(timeoutMs: number, failedUploads: number): OnionServiceError {
  return new OnionServiceError(
    'ONION_NOT_UPLOADED',
    'no directory took the descriptor of the onion service in time',
    {
      hint: 'The network may be slow or blocked: look at the bootstrap state of tor, then try again.',
      data: { timeoutMs, failedUploads },
    },
  );
}

function closed(): OnionServiceError {
  return new OnionServiceError('ONION_CLOSED', 'the onion service was closed', {
    hint: 'Publish it again when it is wanted.',
  });
}
