/**
 * Keeps room for newcomers. libp2p takes connections until it has `maxConnections` and then none, and its own pruner
 * spares whoever has a stream open, a ping included: as many free keys as there are places would hold them for good.
 *
 * Here a few places stay free. When a connection opens and there are fewer, another goes: one that is used for nothing
 * but identify and ping where there is one, and of those any, so that nobody holds a place by being early. And who
 * uses a connection for nothing else for minutes loses it anyway. Not prevented: that whoever opens connections
 * faster than others, and uses them, has most of the places.
 *
 * A libp2p service: `services: { room: room({ clock, random }) }`.
 */

import type { Connection, Libp2pEvents, Startable } from '@libp2p/interface';
import { type Clock, systemClock } from '../../safety/clock.ts';
import { type RandomBytes, systemRandom } from '../../safety/random.ts';
import { PersonaError } from './errors.ts';
import { PROTOCOL_PREFIX } from './identify.ts';
import { FREE_SHARE, IDLE_LOOK_MS, IDLE_MS, NEWCOMER_MS } from './limits.ts';

export interface RoomComponents {
  readonly events: {
    addEventListener(
      type: 'connection:open',
      listener: (event: Libp2pEvents['connection:open']) => void,
    ): void;
    removeEventListener(
      type: 'connection:open',
      listener: (event: Libp2pEvents['connection:open']) => void,
    ): void;
  };
  readonly connectionManager: { getConnections(): Connection[]; getMaxConnections(): number };
}

export interface RoomInit {
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

export function room(init: RoomInit = {}): (components: RoomComponents) => Startable {
  return (components) => new Room(components, init);
}

/** What every connection has, whatever it is for. A stream whose protocol is not agreed on yet has an empty name. */
const IDLE_PROTOCOLS: readonly string[] = [
  '',
  `/${PROTOCOL_PREFIX}/id/1.0.0`,
  `/${PROTOCOL_PREFIX}/ping/1.0.0`,
];

class Room implements Startable {
  readonly #components: RoomComponents;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  /** When a connection was opened, and when it was last seen in use: monotonic milliseconds. */
  readonly #opened = new WeakMap<Connection, number>();
  readonly #used = new WeakMap<Connection, number>();
  /** Aborted by stop. */
  #running = new AbortController();

  constructor(components: RoomComponents, { clock = systemClock, random = systemRandom }: RoomInit) {
    this.#components = components;
    this.#clock = clock;
    this.#random = random;
  }

  start(): void {
    this.#running = new AbortController();
    this.#components.events.addEventListener('connection:open', this.#onOpen);
    // not awaited: it ends with its signal, and only then
    void this.#closeIdle(this.#running.signal).catch(() => undefined);
  }

  stop(): void {
    this.#components.events.removeEventListener('connection:open', this.#onOpen);
    this.#running.abort(new Error('stopped'));
  }

  readonly #onOpen = ({ detail }: Libp2pEvents['connection:open']): void => {
    this.#opened.set(detail, this.#clock.monotonic());
    const max = this.#components.connectionManager.getMaxConnections();
    // the connection manager may hear of the new one after us
    const open = new Set([...this.#open(), detail]);
    const free = Math.ceil(max * FREE_SHARE);
    if (open.size <= max - free) return;
    // not close(), which waits for streams that the other side leaves open
    this.#pick([...open], free)?.abort(noRoom('the place is needed for somebody else'));
  };

  /** Who goes first; nobody where all are our own dials and in use. */
  #pick(open: readonly Connection[], free: number): Connection | undefined {
    const inbound = open.filter(({ direction }) => direction === 'inbound');
    const outbound = open.filter(({ direction }) => direction === 'outbound');
    const young = inbound.filter((connection) => this.#sinceMs(this.#opened, connection) < NEWCOMER_MS);
    // newcomers have had no time to ask for anything; a flood of them gets no such grace
    const spared = young.length <= free ? young : [];
    const settled = inbound.filter((connection) => !spared.includes(connection));
    const groups = [settled.filter(isIdle), settled, outbound.filter(isIdle), spared];
    const group = groups.find(({ length }) => length > 0) ?? [];
    return group[new DataView(this.#random(4).buffer).getUint32(0) % group.length];
  }

  /** Looks now and then, so what was used only between two looks counts as idle; whoever needs it again dials. */
  async #closeIdle(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(IDLE_LOOK_MS, signal);
      for (const connection of this.#open()) {
        if (connection.direction === 'outbound') continue;
        if (!isIdle(connection) || !this.#used.has(connection)) {
          this.#used.set(connection, this.#clock.monotonic());
        } else if (this.#sinceMs(this.#used, connection) >= IDLE_MS) {
          connection.abort(noRoom('the connection was not used for anything'));
        }
      }
    }
  }

  #sinceMs(times: WeakMap<Connection, number>, connection: Connection): number {
    return this.#clock.monotonic() - (times.get(connection) ?? Number.NEGATIVE_INFINITY);
  }

  #open(): Connection[] {
    return this.#components.connectionManager.getConnections().filter(({ status }) => status === 'open');
  }
}

function isIdle({ streams }: Connection): boolean {
  return streams.every(({ protocol }) => IDLE_PROTOCOLS.includes(protocol));
}

function noRoom(reason: string): PersonaError {
  return new PersonaError('NO_ROOM', reason, { hint: 'Whoever needs the connection dials again.' });
}
