/**
 * A fake onion network on unix sockets: SOCKS proxies and onion services without tor, for tests that must be
 * fast and repeatable. Delay, jitter, dial failures with tor's codes, stalls and cut circuits, all from one seed.
 *
 * A dial costs what it costs with tor on a fresh circuit: `setupMs` for descriptor, introduction and rendezvous,
 * then one round trip for BEGIN and CONNECTED; early data arrives together with BEGIN. Nothing here is anonymous
 * or encrypted, and whoever can open the socket directory can talk to everything in it.
 */

import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Clock, systemClock } from '../safety/clock.ts';
import { decodeOnion } from '../wire/onion.ts';
import { FakeServices } from './fake-services.ts';
import { type SocksRequest, socksAnswer } from './fake-socks.ts';
import { FakeStream, type LineConditions } from './fake-stream.ts';
import { FakeTor } from './fake-tor.ts';
import { seededChance } from './seeded.ts';

export interface FakeConditions {
  /** One way; a round trip takes twice this. */
  readonly delayMs: number;
  /** Added to each delay, evenly drawn from 0 to this. */
  readonly jitterMs: number;
  /** Circuit work before BEGIN; undefined means one round trip. */
  readonly setupMs: number | undefined;
  /** Share of dials, 0 to 1, that fail with one of `lossCodes`. */
  readonly loss: number;
  readonly lossCodes: readonly number[];
}

export interface FakeNetworkInit extends Partial<FakeConditions> {
  /** Short directory for the sockets of the proxies; has to exist. */
  readonly dir: string;
  readonly seed?: number;
  /** Bytes that one direction of one stream may hold under way. */
  readonly bufferBytes?: number;
  readonly clock?: Clock;
  /** Called for each CONNECT that arrives. */
  readonly onDial?: (dial: SocksRequest) => void;
}

const CALM: FakeConditions = {
  delayMs: 0,
  jitterMs: 0,
  setupMs: undefined,
  loss: 0,
  lossCodes: [0xf2, 0xf3, 0xf0],
};

/** 8 MiB: at 300 ms one way this allows 27 MB/s, more than any circuit of tor carries. */
const LINE_BUFFER_BYTES = 8 * 1024 * 1024;

/** The network: owns all proxies, services and streams. */
export class FakeNetwork {
  readonly services = new FakeServices();
  readonly #init: FakeNetworkInit;
  readonly #clock: Clock;
  readonly #chance: () => number;
  readonly #streams = new Map<FakeStream, { tor: FakeTor; host: string }>();
  readonly #tors = new Set<FakeTor>();
  readonly #failing = new Map<string, number>();
  #conditions: FakeConditions;
  #stall: PromiseWithResolvers<void> | undefined;
  #heldBytes = 0;
  #peakHeldBytes = 0;
  #dials = 0;

  constructor(init: FakeNetworkInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
    this.#chance = seededChance(init.seed ?? 1);
    this.#conditions = { ...CALM, ...init };
  }

  /** A new proxy on this network, as one tor process would be. Started by the caller. */
  tor(): FakeTor {
    const tor: FakeTor = new FakeTor({
      socksPath: join(this.#init.dir, `fake-${this.#tors.size}.sock`),
      services: this.services,
      serve: (client, request) => this.#serve(tor, client, request),
      cut: () => void this.kill({ tor }),
    });
    this.#tors.add(tor);
    return tor;
  }

  /** Changes conditions for chunks and dials from now on. */
  set(conditions: Partial<FakeConditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
  }

  /** Holds everything under way until {@link resume}. */
  stall(): void {
    this.#stall ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#stall?.resolve();
    this.#stall = undefined;
  }

  /** Cuts the circuits of all streams, or of those to one onion or through one proxy. Returns how many. */
  kill(which: { host?: string; tor?: FakeTor } = {}): number {
    let cut = 0;
    for (const [stream, { host, tor }] of this.#streams) {
      if (which.host !== undefined && which.host !== host) continue;
      if (which.tor !== undefined && which.tor !== tor) continue;
      stream.kill();
      cut++;
    }
    return cut;
  }

  /** Lets every dial of one onion fail with a SOCKS code, until called with undefined. */
  fail(host: string, code: number | undefined): void {
    if (code === undefined) this.#failing.delete(host);
    else this.#failing.set(host, code);
  }

  stats(): { streams: number; dials: number; heldBytes: number; peakHeldBytes: number } {
    return {
      streams: this.#streams.size,
      dials: this.#dials,
      heldBytes: this.#heldBytes,
      peakHeldBytes: this.#peakHeldBytes,
    };
  }

  async stop(): Promise<void> {
    this.resume();
    await Promise.all([...this.#tors].map((tor) => tor.stop()));
  }

  /** Serves one CONNECT. Never rejects. */
  async #serve(tor: FakeTor, client: Socket, request: SocksRequest): Promise<void> {
    this.#dials++;
    this.#init.onDial?.(request);
    const gone = new AbortController();
    const onGone = (): void => gone.abort(new Error('dialer hung up'));
    client.once('close', onGone);
    try {
      const roundTripMs = this.#delayMs() + this.#delayMs();
      await this.#clock.sleep(this.#conditions.setupMs ?? roundTripMs, gone.signal);
      await this.#moving(gone.signal);
      const code = this.#refusal(tor, request);
      if (code !== 0) return void client.end(socksAnswer(code));
      await this.#carry(tor, client, request);
    } catch {
      client.destroy();
    } finally {
      client.off('close', onGone);
    }
  }

  async #carry(tor: FakeTor, client: Socket, { host, port }: SocksRequest): Promise<void> {
    const stream = new FakeStream({
      client,
      connect: (signal) => connectTo(this.services.socketPath(host, port), signal),
      opened: socksAnswer(0),
      refused: socksAnswer(5),
      conditions: this.#lineConditions(),
      clock: this.#clock,
    });
    this.#streams.set(stream, { tor, host });
    await stream.run();
    this.#streams.delete(stream);
  }

  #refusal(tor: FakeTor, { host }: SocksRequest): number {
    try {
      decodeOnion(host);
    } catch {
      return 0xf6;
    }
    const failing = this.#failing.get(host);
    if (failing !== undefined) return failing;
    const { loss, lossCodes } = this.#conditions;
    if (loss > 0 && this.#chance() < loss)
      return lossCodes[Math.floor(this.#chance() * lossCodes.length)] ?? 1;
    return this.services.refusal(host, tor.clientKeys.get(host));
  }

  #lineConditions(): LineConditions {
    return {
      delayMs: () => this.#delayMs(),
      moving: (signal) => this.#moving(signal),
      bufferBytes: this.#init.bufferBytes ?? LINE_BUFFER_BYTES,
      held: (change) => {
        this.#heldBytes += change;
        this.#peakHeldBytes = Math.max(this.#peakHeldBytes, this.#heldBytes);
      },
    };
  }

  #delayMs(): number {
    const { delayMs, jitterMs } = this.#conditions;
    return jitterMs === 0 ? delayMs : delayMs + this.#chance() * jitterMs;
  }

  async #moving(signal: AbortSignal): Promise<void> {
    while (this.#stall !== undefined) {
      const { promise, reject } = Promise.withResolvers<void>();
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      await Promise.race([this.#stall.promise, promise]).finally(() =>
        signal.removeEventListener('abort', abort),
      );
    }
  }
}

function connectTo(path: string | undefined, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (path === undefined) return reject(new Error('nothing on that port'));
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.pause();
    const abort = (): void => void socket.destroy();
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', () => {});
    socket.once('close', () => reject(new Error('service hung up')));
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      resolve(socket);
    });
  });
}
