/**
 * Background traffic between the relays of the private network.
 *
 * tor queues the DESTROY cells of circuits that end together, sends the first, and leaves the rest until some
 * other cell goes over that connection (circuitmux_append_destroy_cell does not wake the scheduler). On the
 * public network that is at once; on an idle one a dead service kept its introduction points, and its peers
 * their broken streams, for up to three minutes. So each relay builds one short circuit a second, along paths that
 * together use every connection in both directions. It costs about one per cent of a core.
 */

import type { Clock } from '../safety/clock.ts';
import { TRAFFIC_INTERVAL_MS } from './limits.ts';

/** A relay that can be asked to build circuits. */
export interface TrafficSource {
  /** 40 hex. Rejects when the relay is gone. */
  fingerprint(): Promise<string>;
  /** Replaces the last circuit by one along these relays. Rejects when the relay is gone or will not. */
  useCircuit(path: readonly string[]): Promise<void>;
}

/** Keeps cells moving until `signal` is aborted. Never rejects: a relay that is gone is left out. */
export async function keepBusy(
  relays: readonly TrafficSource[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const names = await Promise.all(relays.map((relay) => relay.fingerprint().catch(() => null)));
  while (!signal.aborted) {
    await Promise.all(
      relays.map((relay, i) => {
        const path = circuitFrom(i, relays.length).map((hop) => names[hop] ?? null);
        const known = path.filter((name) => name !== null);
        return relay.useCircuit(known).catch(() => {}); // see above
      }),
    );
    await clock.sleep(TRAFFIC_INTERVAL_MS, signal).catch(() => {}); // the loop ends
  }
}

/**
 * The hops of the circuit that relay `from` of `count` builds, as indices: steps of 1, 2, 3, ... around the ring,
 * so that all relays' circuits together use each pair of relays.
 */
export function circuitFrom(from: number, count: number): number[] {
  const hops: number[] = [];
  for (let step = 1, at = from; step <= Math.floor(count / 2); step++) {
    at = (at + step) % count;
    hops.push(at);
  }
  return hops;
}
