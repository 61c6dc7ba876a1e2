/** Accepted channels that have not logged in: few at a time, and the oldest makes room. */

import type { SecureChannel } from '../../net/channel.ts';
import { LinkError } from './errors.ts';
import { MAX_GUESTS } from './limits.ts';

export class Guests {
  readonly #leave = new Map<SecureChannel, AbortController>();

  get size(): number {
    return this.#leave.size;
  }

  /** The signal ends when the guest has to go. */
  admit(channel: SecureChannel): AbortSignal {
    const [oldest] = this.#leave.values();
    if (this.#leave.size >= MAX_GUESTS) oldest?.abort(new LinkError('LINK_BUSY'));
    const leave = new AbortController();
    this.#leave.set(channel, leave);
    // at once, not when its owner notices: the number is a bound
    leave.signal.addEventListener('abort', () => this.#leave.delete(channel), { once: true });
    return leave.signal;
  }

  /** The guest has logged in, or is gone. */
  release(channel: SecureChannel): void {
    this.#leave.delete(channel);
  }

  close(reason: LinkError): void {
    for (const leave of this.#leave.values()) leave.abort(reason);
  }
}
