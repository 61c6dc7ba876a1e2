/** The links that are logged in: at most one with each contact, and which of two stays is decided alike on both sides. */

import type { ContactId } from '../../delivery/face.ts';
import { toHex } from '../../safety/bytes.ts';
import type { Clock } from '../../safety/clock.ts';
import { LinkError } from './errors.ts';
import { CROSSING_MS, MAX_LINKS } from './limits.ts';
import type { FriendLink } from './link.ts';

/** What decides between two links. */
export type Contender = Pick<FriendLink, 'weDialed' | 'dialerOnion' | 'since' | 'isFirm'>;

/**
 * Whether `next` takes the place of `present`, at `nowMs` (monotonic).
 *
 * A side that knows of a link does not dial. So two links with different dialers were either dialed across each other
 * (then the one whose dialer's onion key is lower stays), or the present one is dead at the other side, which shows
 * when it is older than any crossing. A dial of ours that went on in spite of a link was across it for certain. But one
 * whose other end has shown a pair key gives way to no other: that may be of a thief of the provisional key.
 */
export function takesPlace(next: Contender, present: Contender, nowMs: number): boolean {
  if (next.isFirm !== present.isFirm) return next.isFirm;
  if (next.weDialed === present.weDialed) return true;
  const isCrossing = next.weDialed || nowMs - present.since < CROSSING_MS;
  return !isCrossing || Buffer.compare(next.dialerOnion, present.dialerOnion) < 0;
}

export class LinkTable {
  readonly #clock: Clock;
  readonly #links = new Map<string, FriendLink>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#links.size;
  }

  of(contact: ContactId): FriendLink | undefined {
    return this.#links.get(toHex(contact));
  }

  all(): FriendLink[] {
    return [...this.#links.values()];
  }

  /** Takes a link in, and closes the one it replaces. False: it has to go itself. */
  add(link: FriendLink): boolean {
    const id = toHex(link.contact);
    const present = this.#links.get(id);
    if (present === undefined && this.#links.size >= MAX_LINKS) return false;
    if (present !== undefined && !takesPlace(link, present, this.#clock.monotonic())) return false;
    // first, so that the end of the other one is not taken for a loss
    this.#links.set(id, link);
    present?.close(new LinkError('LINK_REPLACED'));
    return true;
  }

  /** False: it was replaced before. */
  delete(link: FriendLink): boolean {
    const id = toHex(link.contact);
    return this.#links.get(id) === link && this.#links.delete(id);
  }
}
