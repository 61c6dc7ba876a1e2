/**
 * The onion services that our tor should run, and the client keys it should know. The lists live here and are
 * handed to each new tor, so a service once published comes back by itself after tor was restarted.
 */

import type { Clock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Log } from '../safety/log.ts';
import { decodeOnion, ONION_PORT, onionOf } from '../wire/onion.ts';
import { expandSeed } from './onion-command.ts';
import { OnionService } from './onion-service.ts';
import type { ControlClient } from './tor/control.ts';
import type { ControlReply } from './tor/control-reply.ts';
import { ControlError, OnionServiceError, TorError } from './tor/errors.ts';
import { REFRESH_TIMEOUT_MS } from './tor/limits.ts';
import { checkSocketPath } from './tor/torrc.ts';

export interface PublishOptions {
  /** Unix socket on which the caller already listens. Below 104 bytes, without spaces or quotes. */
  readonly socketPath: string;
  /** Virtual port; default 1000. */
  readonly port?: number;
  /** X25519 public keys (32 bytes, at most 128) of those who may connect; missing: everybody; empty: nobody. */
  readonly clientAuth?: readonly Uint8Array[];
  /** Proof of work when flooded; default on. */
  readonly pow?: boolean;
  /** Streams per circuit before tor closes the circuit; default 64, 0 for no limit. */
  readonly maxStreams?: number;
  /** Milliseconds until ONION_NOT_UPLOADED; default two minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A service that others can reach. */
export interface PublishedOnion {
  /** 56 characters, without ".onion". */
  readonly host: string;
  /** Replaces the client keys: see OnionService.setClients. At most one change per ten seconds is made. */
  setClients(keys: readonly Uint8Array[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface OnionServicesInit {
  /** The control connection, null while there is none. */
  readonly control: () => ControlClient | null;
  /** Whether a tor runs or is about to. */
  readonly expected: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export class OnionServices {
  readonly #init: OnionServicesInit;
  readonly #services = new Map<string, OnionService>();
  /** Host to base64 X25519 secret, for services of others that ask for authorization. */
  readonly #clientKeys = new Map<string, string>();

  constructor(init: OnionServicesInit) {
    this.#init = init;
  }

  /**
   * Publishes the onion of a 32-byte Ed25519 seed and resolves when a first directory has its descriptor. May be
   * called while tor still starts. Throws OnionServiceError, TorError (TOR_NOT_READY, TOR_SOCKET_PATH) or the
   * signal's reason; then it is not published.
   */
  async publish(seed: Uint8Array, options: PublishOptions): Promise<PublishedOnion> {
    const { socketPath, port = ONION_PORT, clientAuth, pow = true, maxStreams, timeoutMs, signal } = options;
    signal?.throwIfAborted();
    checkSocketPath(socketPath);
    if (!this.#init.expected()) throw notReady();
    const { host } = onionOf(nodeProvider.ed25519.publicKey(seed), port);
    if (this.#services.has(host)) throw inUse();
    const service = new OnionService({
      host,
      keyBlob: expandSeed(seed),
      target: { socketPath, port, clientAuth, pow, maxStreams },
      clock: this.#init.clock,
      control: this.#init.control,
      onClosed: () => this.#services.delete(host),
    });
    this.#services.set(host, service);
    const uploaded = service.uploaded(signal, timeoutMs);
    uploaded.catch(() => {}); // awaited below, unless tor refuses first
    try {
      await this.#hand(service, this.#init.control());
      await uploaded;
    } catch (error) {
      await service.close();
      throw error;
    }
    return service;
  }

  /**
   * Makes the X25519 secret (32 bytes) known for connecting to `host` (56 characters). Kept in memory and given
   * to each new tor. Throws MalformedError, RangeError or ControlError.
   */
  async addClientKey(host: string, secret: Uint8Array): Promise<void> {
    if (secret.length !== 32) throw new RangeError('an X25519 secret has 32 bytes');
    const onion = decodeOnion(host).host;
    this.#clientKeys.set(onion, Buffer.from(secret).toString('base64'));
    await this.#handKey(onion, this.#init.control());
  }

  /** Forgets the key for `host`. Throws MalformedError, ControlError. */
  async removeClientKey(host: string): Promise<void> {
    const onion = decodeOnion(host).host;
    if (!this.#clientKeys.delete(onion)) return;
    await this.#init.control()?.command('ONION_CLIENT_AUTH_REMOVE', [onion]);
  }

  /**
   * Fetches the newest descriptor of the service `host` of somebody else past tor's cache; resolves with whether one
   * came. To be called before a dial is tried again: after a service has lost its tor, its old introduction points
   * may still acknowledge and drop every introduction, and tor keeps a descriptor that seems to work for hours.
   * Throws MalformedError or the signal's reason; a tor that is down or refuses counts as "none came".
   */
  async refresh(host: string, signal?: AbortSignal): Promise<boolean> {
    const onion = decodeOnion(host).host;
    const control = this.#init.control();
    if (control === null) return false;
    const done = new AbortController();
    const until = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
    const answer = Promise.withResolvers<boolean>();
    const unlisten = control.listen('HS_DESC', (event) => {
      const [, action, about] = event.lines[0]?.text.split(' ') ?? [];
      if (about === onion && (action === 'RECEIVED' || action === 'FAILED'))
        answer.resolve(action === 'RECEIVED');
    });
    const timeout = this.#init.clock.sleep(REFRESH_TIMEOUT_MS, until).then(() => false);
    try {
      await control.command('HSFETCH', [onion], { signal });
      return await Promise.race([answer.promise, timeout, control.closed.then(() => false)]);
    } catch (error) {
      if (error instanceof ControlError) return false;
      throw error;
    } finally {
      unlisten();
      timeout.catch(() => {}); // only the end of the wait
      done.abort();
    }
  }

  /** Hands everything to a new tor; its HS_DESC events must be on. Throws ControlError when it is lost meanwhile. */
  async restore(control: ControlClient): Promise<void> {
    control.listen('HS_DESC', (event) => this.#descriptor(event));
    await Promise.all([
      ...[...this.#services.values()].map((service) => this.#restoreOne(service, control)),
      ...[...this.#clientKeys.keys()].map((host) => this.#handKey(host, control)),
    ]);
  }

  async #restoreOne(service: OnionService, control: ControlClient): Promise<void> {
    try {
      await service.add(control);
    } catch (error) {
      if (!(error instanceof OnionServiceError)) throw error;
      this.#init.log('error', 'tor would not take an onion service back', { code: error.code });
    }
  }

  async #hand(service: OnionService, control: ControlClient | null): Promise<void> {
    if (control === null) return; // the tor that is about to start gets it
    try {
      await service.add(control);
    } catch (error) {
      if (error instanceof OnionServiceError) throw error;
      // the connection was lost: the next tor gets it, and the upload is waited for all the same
    }
  }

  async #handKey(host: string, control: ControlClient | null): Promise<void> {
    const secret = this.#clientKeys.get(host);
    if (secret !== undefined) await control?.command('ONION_CLIENT_AUTH_ADD', [host, `x25519:${secret}`]);
  }

  #descriptor(event: ControlReply): void {
    const [, action, host] = event.lines[0]?.text.split(' ') ?? [];
    if (action !== undefined && host !== undefined) this.#services.get(host)?.descriptor(action);
  }
}

function notReady(): TorError {
  return new TorError('TOR_NOT_READY', 'tor is not running', {
    hint: 'Start tor before publishing an onion service.',
  });
}

function inUse(): OnionServiceError {
  return new OnionServiceError('ONION_IN_USE', 'this onion service is already published', {
    hint: 'Close the published one first.',
  });
}
