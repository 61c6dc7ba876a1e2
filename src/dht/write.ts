/**
 * Writes a slot: finds the live peers closest to its key and gives it to each, as soon as a peer has answered and is
 * among the closest known. kad-dht's own put first waits for the lookup to end, which a few dead peers make minutes.
 *
 * That a peer says it keeps a slot is all that is known: liars say so too, which is why there are many holders.
 */

import type { PeerId } from '@libp2p/interface';
import { slotKey } from '../wire/slot.ts';
import { Wakeup } from '../net/wakeup.ts';
import { DhtError } from './errors.ts';
import { LAST_PUTS_MS, REPLICATION, WRITE_ENOUGH, WRITE_FEW, WRITE_HOLDERS } from './limits.ts';
import { type Answered, lookup } from './lookup.ts';
import type { Network } from './read.ts';
import { checkSlot } from './slot-rules.ts';

export interface SlotWritten {
  /** Peers that say they keep it. */
  readonly holders: number;
  /** Peers that answered, but not that they keep it. */
  readonly refused: number;
  /** Peers that were found but not reached again. */
  readonly unreachable: number;
  readonly tookMs: number;
}

/** Throws DhtError SLOT_* for a slot that nobody would keep; otherwise rejects only with the signal's reason. */
export async function writeSlot(
  network: Network,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<SlotWritten> {
  const { clock, own, provider, requests, routing } = network;
  const startMs = clock.monotonic();
  const key = slotKey(checkSlot(bytes, { nowMs: clock.now(), provider }).pk);
  const changed = new Wakeup();
  const send = (peer: PeerId, putting: AbortSignal): Promise<boolean> =>
    requests.putValue(peer, key, bytes, putting);
  const puts = new Puts(send, changed, signal);
  /** Those that answered, until they are among the closest: names that turn out to be nobody's stand before some. */
  const waiting = new Set<Answered>();
  const putToClosest = (): void => {
    for (const answered of waiting) {
      if (answered.rank() >= REPLICATION) continue;
      waiting.delete(answered);
      puts.put(answered.peer);
    }
  };
  try {
    const closest = await lookup({
      target: provider.sha256(key),
      own,
      routing,
      clock,
      signal,
      ask: (peer, asking) => requests.findNode(peer, key, asking),
      changed,
      onAnswer: (_answer, answered) => waiting.add(answered),
      enough: () => {
        putToClosest();
        return puts.holders >= WRITE_HOLDERS;
      },
      acceptable: () => puts.holders >= WRITE_ENOUGH,
      tolerable: () => puts.holders >= WRITE_FEW,
    });
    if (puts.holders < WRITE_HOLDERS) for (const peer of closest.slice(0, REPLICATION)) puts.put(peer);
    await puts.settled((waiting) => clock.sleep(LAST_PUTS_MS, waiting));
    signal?.throwIfAborted();
    const { holders, refused, unreachable } = puts;
    return { holders, refused, unreachable, tookMs: clock.monotonic() - startMs };
  } finally {
    puts.end();
  }
}

/** The puts of one slot: each peer gets it once. */
class Puts {
  holders = 0;
  refused = 0;
  unreachable = 0;
  readonly #send: (peer: PeerId, signal: AbortSignal) => Promise<boolean>;
  readonly #begun = new Set<string>();
  readonly #over = new AbortController();
  readonly #changed: Wakeup;
  readonly #signal: AbortSignal;
  #running = 0;

  constructor(
    send: (peer: PeerId, signal: AbortSignal) => Promise<boolean>,
    changed: Wakeup,
    signal?: AbortSignal,
  ) {
    this.#send = send;
    this.#changed = changed;
    const { signal: over } = this.#over;
    this.#signal = signal === undefined ? over : AbortSignal.any([signal, over]);
  }

  put(peer: PeerId): void {
    const id = peer.toString();
    if (this.#begun.has(id)) return;
    this.#begun.add(id);
    this.#running++;
    void this.#run(peer);
  }

  /** Until all have answered; or, with some holders, until nobody has for a while. */
  async settled(aWhile: (signal: AbortSignal) => Promise<void>): Promise<void> {
    while (this.#running > 0 && !this.#signal.aborted) {
      const waiting = new AbortController();
      const signal = AbortSignal.any([this.#signal, waiting.signal]);
      const quiet = aWhile(signal).then(
        () => this.holders >= WRITE_FEW,
        () => false,
      );
      const change = this.#changed.wait(signal).then(
        () => false,
        () => false,
      );
      const over = await Promise.race([quiet, change]);
      waiting.abort();
      if (over) return;
    }
  }

  end(): void {
    this.#over.abort(new Error('the write is over'));
  }

  /** Never rejects. */
  async #run(peer: PeerId): Promise<void> {
    try {
      if (await this.#send(peer, this.#signal)) this.holders++;
      else this.refused++;
    } catch (error) {
      if (error instanceof DhtError && error.code === 'PEER_UNREACHABLE') this.unreachable++;
      else this.refused++;
    } finally {
      this.#running--;
      this.#changed.wake();
    }
  }
}
