/**
 * Opens streams to onions: waits for tor, takes its turn in the dial queue, names the circuit, talks SOCKS. The
 * one place that decides which streams may share a circuit.
 *
 * Isolation: user name = purpose, password = HMAC-SHA256(session secret, isolation ‖ host ‖ generation). Streams that differ in
 * purpose, isolation value or onion use different circuits; a new secret (each process has one) new ones for all.
 */

import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../safety/clock.ts';
import { toHex, utf8 } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type Log, silent } from '../safety/log.ts';
import { chanceOf, type RandomBytes, systemRandom } from '../safety/random.ts';
import { socketChannel } from '../net/byte-channel.ts';
import type { OpenStream } from '../net/channel.ts';
import { withDeadline } from '../net/deadline.ts';
import type { DialRecord } from './dial-history.ts';
import { DialPlaces } from './dial-places.ts';
import { DialQueue } from './dial-queue.ts';
import { DialError, SocksError } from './errors.ts';
import { hedged } from './hedge.ts';
import { DIAL_TIMEOUT_MS, HEDGE_AFTER_MS, REMEMBERED_ONIONS, RETRY_PAUSE_MS } from './limits.ts';
import { type SocksConnectOptions, socksConnect } from './socks5.ts';

export interface OnionDialerInit {
  /** Where tor's SOCKS socket is now; asked before each dial. */
  readonly socksPath: () => string;
  /** 32 random bytes of this process. */
  readonly secret: Uint8Array;
  /** Resolves when tor can dial; default: at once. */
  readonly ready?: (signal?: AbortSignal) => Promise<void>;
  /** Has tor fetch an onion's descriptor anew, before the second try of a slow dial. */
  readonly refresh?: (host: string, signal: AbortSignal) => Promise<unknown>;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly provider?: Provider;
  readonly log?: Log;
  /** From {@link OnionDialer.export} of an earlier process. */
  readonly records?: readonly DialRecord[];
  /** Shared with other dialers on the same tor, which share nothing else. Default: places of its own. */
  readonly places?: DialPlaces;
  readonly limits?: {
    /** Only without `places`. */
    readonly parallel?: number;
    readonly urgentOnly?: number;
    readonly timeoutMs?: number;
    readonly hedgeAfterMs?: number;
  };
}

/** What must not share a circuit with anything else. */
interface Circuit {
  readonly purpose: string;
  readonly isolation: string;
  readonly host: string;
}

/** A purpose is a short name of ours, and tor gives meaning to names that begin with "<torS0X>". */
const PURPOSE = /^[a-z0-9][a-z0-9._:/-]{0,254}$/;

export class OnionDialer {
  readonly #init: OnionDialerInit;
  readonly #clock: Clock;
  readonly #provider: Provider;
  readonly #log: Log;
  readonly #queue: DialQueue;
  /** How often the circuit of a group was replaced; missing means never. */
  readonly #generations = new Map<string, number>();

  constructor(init: OnionDialerInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
    this.#provider = init.provider ?? nodeProvider;
    this.#log = init.log ?? silent;
    const random = init.random ?? systemRandom;
    this.#queue = new DialQueue({
      clock: this.#clock,
      chance: chanceOf(random),
      records: init.records,
      places: init.places ?? new DialPlaces(init.limits),
      isOnionFailure,
    });
  }

  /**
   * Opens a stream and writes `early` on it. Rejects with SocksError, DialError or the signal's reason. `early` may
   * have reached the service even when this rejects, and more than once.
   */
  readonly open: OpenStream = async (onion, { purpose, isolation, early, signal, urgent }) => {
    if (!PURPOSE.test(purpose)) throw badPurpose();
    await this.#init.ready?.(signal);
    const startedMs = this.#clock.monotonic();
    const circuit = { purpose, isolation, host: onion.host };
    const connect = (generation: number, limited: AbortSignal): Promise<Socket> =>
      this.#connect({
        host: onion.host,
        port: onion.port,
        username: purpose,
        password: this.#password(circuit, generation),
        early,
        signal: limited,
      });
    const timeoutMs = this.#init.limits?.timeoutMs ?? DIAL_TIMEOUT_MS;
    const socket = await this.#queue.run(
      onion.host,
      () =>
        withDeadline(
          this.#clock,
          timeoutMs,
          signal,
          (limited) => this.#hedged(circuit, connect, limited),
          () => timedOut(timeoutMs),
        ),
      { signal, urgent },
    );
    this.#log('debug', 'stream open', { purpose, tookMs: Math.round(this.#clock.monotonic() - startedMs) });
    return socketChannel(socket);
  };

  /** What to give to the next process as `records`. */
  export(): readonly DialRecord[] {
    return this.#queue.export();
  }

  stats(): { running: number; waiting: number } {
    return this.#queue.stats();
  }

  /** Circuits of one generation of one group; see {@link hedged} for why a group may need another. */
  #password({ isolation, host }: Circuit, generation: number): string {
    const parts = [isolation, host, String(generation)].map((part) => utf8(part));
    return toHex(this.#provider.hmacSha256(this.#init.secret, ...parts));
  }

  async #hedged(
    circuit: Circuit,
    connect: (generation: number, signal: AbortSignal) => Promise<Socket>,
    signal: AbortSignal,
  ): Promise<Socket> {
    const key = JSON.stringify(circuit);
    const generation = this.#generations.get(key) ?? 0;
    const attempt = async (which: 0 | 1, running: AbortSignal): Promise<Socket> => {
      if (which === 1) await this.#init.refresh?.(circuit.host, running);
      return connect(generation + which, running);
    };
    const { value, round } = await hedged(attempt, {
      clock: this.#clock,
      afterMs: this.#init.limits?.hedgeAfterMs ?? HEDGE_AFTER_MS,
      signal,
      discard: (late) => late.destroy(),
    });
    if (round === 1) this.#remember(key, generation + 1);
    return value;
  }

  /** The circuit that worked is the one to use from now on. */
  #remember(key: string, generation: number): void {
    this.#generations.delete(key);
    this.#generations.set(key, generation);
    const [oldest] = this.#generations.keys();
    if (this.#generations.size > REMEMBERED_ONIONS && oldest !== undefined) this.#generations.delete(oldest);
  }

  /**
   * One more try after a transient failure: right after publication, and while introduction points change, the first
   * one is refused now and then. Early data goes out again, which is safe: no stream existed that could carry it.
   */
  async #connect(request: Omit<SocksConnectOptions, 'socksPath'>): Promise<Socket> {
    const connect = (): Promise<Socket> => socksConnect({ ...request, socksPath: this.#init.socksPath() });
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof SocksError && error.transient)) throw error;
      await this.#clock.sleep(RETRY_PAUSE_MS, request.signal);
      return connect();
    }
  }
}

/** Refused by the onion's side, or silent for too long: then it is worth waiting before the next try. */
function isOnionFailure(error: unknown): boolean {
  if (error instanceof SocksError) return error.aboutOnion;
  if (error instanceof DialError) return error.code === 'DIAL_TIMEOUT';
  return error instanceof Error && error.name === 'TimeoutError';
}

function timedOut(timeoutMs: number): DialError {
  return new DialError('DIAL_TIMEOUT', 'tor found no way to the onion in time', {
    hint: 'The peer may be away, or the network slow; try again in a minute.',
    data: { timeoutMs },
  });
}

function badPurpose(): DialError {
  return new DialError('BAD_ISOLATION', 'a purpose is a short lower-case name', {
    hint: 'Use letters, digits and . _ : / - only, at most 255.',
  });
}
