/**
 * Writes the frames of one link in order, answers and notices before messages, so that a reader never has to wait for
 * the other side to read: two sides that both send much would wait for each other for ever.
 */

import type { ByteChannel } from '../../net/channel.ts';
import { Wakeup } from '../../net/wakeup.ts';
import { encodeFrame } from '../../wire/frame.ts';
import { encodeFriendFrame, type FriendFrame } from '../../wire/friend-frame.ts';
import { LinkError } from './errors.ts';
import { MAX_WAITING_ANSWERS } from './limits.ts';

export class FrameWriter {
  readonly #channel: ByteChannel;
  readonly #onSent: (bytes: number) => void;
  readonly #first: Uint8Array[] = [];
  readonly #messages: Uint8Array[] = [];
  readonly #wakeup = new Wakeup();

  constructor(channel: ByteChannel, onSent: (bytes: number) => void) {
    this.#channel = channel;
    this.#onSent = onSent;
  }

  /**
   * Before all messages. Throws LinkError LINK_VIOLATED when more wait than an honest peer can cause: it asks and does
   * not read.
   */
  first(frame: FriendFrame): void {
    if (this.#first.length >= MAX_WAITING_ANSWERS) throw new LinkError('LINK_VIOLATED');
    this.#first.push(encodeFriendFrame(frame));
    this.#wakeup.wake();
  }

  /** A frame that was encoded already, before all others. */
  opening(frame: Uint8Array): void {
    this.#first.unshift(frame);
    this.#wakeup.wake();
  }

  /** Who calls this bounds how many wait. */
  message(frame: FriendFrame & { readonly type: 'message' }): void {
    this.#messages.push(encodeFriendFrame(frame));
    this.#wakeup.wake();
  }

  /** Writes what comes until the signal ends it. Throws what the channel throws, or the signal's reason. */
  async run(signal: AbortSignal): Promise<never> {
    for (;;) {
      const frame = this.#first.shift() ?? this.#messages.shift();
      if (frame === undefined) {
        await this.#wakeup.wait(signal);
        continue;
      }
      await this.#channel.write(encodeFrame(frame), signal);
      this.#onSent(2 + frame.length);
    }
  }
}
