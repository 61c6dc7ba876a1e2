/** A fake onion network for the rows that count round trips, with members of the overlay as a node has them. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SLOT_ROWS, SLOT_ROWS_BYTES } from '../../src/dht/limits.ts';
import type { ChannelHandler } from '../../src/net/acceptor.ts';
import { Member } from '../../src/node/member.ts';
import { PersonaTor } from '../../src/node/persona-tor.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { silent } from '../../src/safety/log.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import { OnionEndpoint } from '../../src/transport-tor/endpoint.ts';

export const RTT_MS = 600;
/** Of raw channels. */
export const PROTOCOL = '/kith/bench/1';

export class FakePlace {
  readonly network: FakeNetwork;
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
    this.network = new FakeNetwork({ dir });
  }

  /** Without delay, so that everybody can get acquainted; see {@link slow}. */
  static async create(dir: string, name: string): Promise<FakePlace> {
    const own = join(dir, name);
    await mkdir(own, { mode: 0o700 });
    return new FakePlace(own);
  }

  /** From now on a round trip takes {@link RTT_MS}. */
  slow(): void {
    this.network.set({ delayMs: RTT_MS / 2 });
  }

  /** An onion that serves {@link PROTOCOL}. */
  async endpoint(seed: Uint8Array, serve: ChannelHandler): Promise<OnionEndpoint> {
    const { services } = this.network;
    const endpoint = new OnionEndpoint({ seed, socketDir: this.#dir, services });
    endpoint.handle(PROTOCOL, serve);
    await endpoint.start();
    return endpoint;
  }

  /** A tor of its own for one node. */
  async personas(): Promise<PersonaTor> {
    const host = this.network.tor();
    await host.start();
    return new PersonaTor({
      host,
      socketDir: this.#dir,
      clock: systemClock,
      random: systemRandom,
      log: silent,
    });
  }

  /** One that others can reach, and that knows nobody. */
  async member(): Promise<Member> {
    const [peers, slots] = [rows(), rows()];
    const member = await Member.create({
      seed: systemRandom(32),
      rows: {
        peers,
        slots,
        async close() {
          peers.close();
          slots.close();
        },
      },
      tor: await this.personas(),
      clock: systemClock,
      random: systemRandom,
      log: silent,
    });
    await member.start(AbortSignal.timeout(60_000));
    return member;
  }
}

/** Sealed rows in memory. */
export function rows(): SealedRows {
  const key = systemRandom(32);
  return SealedRows.open({ path: ':memory:', key, maxRows: SLOT_ROWS, maxBytes: SLOT_ROWS_BYTES });
}

/** Resolves when `holds` does; rejects when that takes longer than `limitMs`. */
export async function until(holds: () => boolean, what: string, limitMs = 60_000): Promise<void> {
  for (const endMs = performance.now() + limitMs; !holds(); await systemClock.sleep(20)) {
    if (performance.now() > endMs) throw new Error(`waited too long for ${what}`);
  }
}
