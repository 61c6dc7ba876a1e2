/** Pulls frames out of a byte channel, one at a time, each with the lengths its reader expects. */

import { FrameDecoder } from '../wire/frame.ts';
import type { ByteChannel } from './byte-channel.ts';
import { ChannelError } from './errors.ts';

export class FrameReader {
  readonly #channel: ByteChannel;
  readonly #decoder = new FrameDecoder();

  constructor(channel: ByteChannel) {
    this.#channel = channel;
  }

  /** Whether bytes behind the frames read so far have been taken from the channel already. */
  get ahead(): boolean {
    return this.#decoder.ahead;
  }

  /**
   * The next frame, or null when the stream ended between two frames. Throws MalformedError on a length outside
   * the bounds, ChannelError TRUNCATED when the stream ends inside a frame, and what the channel throws. An aborted
   * wait loses no bytes.
   */
  async next(minBytes: number, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null> {
    for (;;) {
      const frame = this.#decoder.next(minBytes, maxBytes);
      if (frame !== undefined) return frame;
      const chunk = await this.#channel.read(signal);
      if (chunk !== null) this.#decoder.push(chunk);
      else if (this.#decoder.partial) throw new ChannelError('TRUNCATED');
      else return null;
    }
  }
}
