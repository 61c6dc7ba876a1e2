/**
 * Kademlia messages on a libp2p stream: each behind its length as a varint (libp2p/specs kad-dht). Pulls: what is not
 * asked for stays at the sender, and a length beyond the limit is refused before its bytes are waited for. A sender
 * that is ahead by more than the longest message is reset at once: waiting for its turn it would cost memory.
 */

import type { Stream } from '@libp2p/interface';
import type { ByteChannel } from '../net/byte-channel.ts';
import { messageStreamChannel } from '../net/message-stream-channel.ts';
import { concat, copyOf } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { encodeVarint } from '../wire/protobuf.ts';
import { LENGTH_PREFIX_BYTES } from './limits.ts';

export class KadStream {
  readonly #stream: Stream;
  readonly #channel: ByteChannel;
  readonly #format: 'kad-request' | 'kad-response';
  readonly #maxBytes: number;
  #ahead: Uint8Array = new Uint8Array(0);

  /** Takes the reading of `stream` over; `format` is what comes in, at most `maxBytes` a message. */
  constructor(stream: Stream, format: 'kad-request' | 'kad-response', maxBytes: number) {
    const error = (): Error => new MalformedError(format, 'more than one message at once');
    this.#channel = messageStreamChannel(stream, { bytes: maxBytes + LENGTH_PREFIX_BYTES, error });
    this.#stream = stream;
    this.#format = format;
    this.#maxBytes = maxBytes;
  }

  /** The next message, or null where the other side ended instead. Throws {@link MalformedError}. */
  async read(signal: AbortSignal): Promise<Uint8Array | null> {
    for (;;) {
      const head = this.#readHead();
      if (head !== null && this.#ahead.length >= head.bytes + head.length) {
        const end = head.bytes + head.length;
        const message = copyOf(this.#ahead, head.bytes, end);
        this.#ahead = this.#ahead.subarray(end);
        return message;
      }
      const chunk = await this.#channel.read(signal);
      if (chunk === null) {
        if (this.#ahead.length > 0) throw new MalformedError(this.#format, 'cut');
        return null;
      }
      this.#ahead = this.#ahead.length === 0 ? chunk : concat(this.#ahead, chunk);
    }
  }

  async write(message: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#channel.write(concat(encodeVarint(message.length), message), signal);
  }

  /** Ends our direction when all is sent. */
  async close(signal: AbortSignal): Promise<void> {
    await this.#stream.close({ signal });
  }

  /** The length of the next message and of that length, or null while it has not come. */
  #readHead(): { length: number; bytes: number } | null {
    let length = 0;
    for (const [i, byte] of this.#ahead.entries()) {
      length += (byte & 0x7f) * 2 ** (7 * i);
      if (length > this.#maxBytes) throw new MalformedError(this.#format, 'too long', { length });
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw new MalformedError(this.#format, 'a length is padded');
        return { length, bytes: i + 1 };
      }
      // zeros with a continuation bit would never grow beyond the limit
      if (2 ** (7 * (i + 1)) > this.#maxBytes) throw new MalformedError(this.#format, 'too long');
    }
    return null;
  }
}
