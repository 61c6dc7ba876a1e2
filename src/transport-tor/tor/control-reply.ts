/**
 * Decoder of what tor sends on its control connection: replies and asynchronous events.
 *
 * Specification: control-spec section 2.3 (spec.torproject.org/control-spec/message-format.html). Total and
 * incremental: any cutting of the bytes gives the same replies, and anything else is a {@link MalformedError},
 * after which the decoder stays unusable. Text is kept as latin-1, one character a byte. It does not look
 * inside the text of a line.
 */

import { MalformedError } from '../../safety/errors.ts';
import { MAX_CONTROL_LINE_BYTES, MAX_CONTROL_REPLY_BYTES, MAX_CONTROL_REPLY_LINES } from './limits.ts';

const FORMAT = 'control-reply';
const CR = 0x0d;
const LF = 0x0a;

/** One line of a reply. `data` is there on `+` lines: the lines behind it, dots unstuffed, joined by `\n`. */
export interface ControlLine {
  readonly text: string;
  readonly data?: string;
}

/** A whole reply (2xx, 4xx, 5xx) or event (6xx). At least one line. */
export interface ControlReply {
  readonly status: number;
  readonly lines: readonly ControlLine[];
}

export class ControlReplyDecoder {
  /** The unfinished line, in pieces: joined once, when its end has come. */
  #partial: Uint8Array[] = [];
  #partialBytes = 0;
  #status = 0;
  #lines: ControlLine[] = [];
  #lineCount = 0;
  #replyBytes = 0;
  /** Text of the `+` line whose data is being read, else null. */
  #dataText: string | null = null;
  #data: string[] = [];
  #failure: MalformedError | null = null;

  /** Replies that `bytes` completes, in order. Throws MalformedError, then and on each later call. */
  push(bytes: Uint8Array): ControlReply[] {
    if (this.#failure !== null) throw this.#failure;
    const replies: ControlReply[] = [];
    try {
      let from = 0;
      for (;;) {
        const end = bytes.indexOf(LF, from);
        if (end < 0) break;
        const reply = this.#line(this.#join(bytes.subarray(from, end)));
        if (reply !== null) replies.push(reply);
        from = end + 1;
      }
      this.#keep(bytes.slice(from));
    } catch (error) {
      this.#failure = error as MalformedError;
      throw error;
    }
    return replies;
  }

  /** To be called at the end of the stream: throws MalformedError when it came inside a reply. */
  end(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#partialBytes > 0 || this.#lines.length > 0 || this.#dataText !== null) {
      throw new MalformedError(FORMAT, 'ended inside a reply');
    }
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#partial.push(rest);
    this.#partialBytes += rest.length;
    this.#checkLine(this.#partialBytes);
  }

  /** The line that ends with `tail`, without CR LF. */
  #join(tail: Uint8Array): string {
    const size = this.#partialBytes + tail.length;
    this.#checkLine(size);
    const line = new Uint8Array(size);
    let at = 0;
    for (const piece of [...this.#partial, tail]) {
      line.set(piece, at);
      at += piece.length;
    }
    this.#partial = [];
    this.#partialBytes = 0;
    if (line[size - 1] !== CR) throw new MalformedError(FORMAT, 'line does not end in CR LF');
    let text = '';
    for (let i = 0; i < size - 1; i++) {
      const byte = line[i] as number;
      if (byte === CR || byte === 0) throw new MalformedError(FORMAT, 'CR or NUL inside a line');
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #checkLine(size: number): void {
    if (size > MAX_CONTROL_LINE_BYTES) throw new MalformedError(FORMAT, 'line too long', { size });
  }

  #line(line: string): ControlReply | null {
    this.#lineCount += 1;
    this.#replyBytes += line.length + 2;
    if (this.#lineCount > MAX_CONTROL_REPLY_LINES)
      throw new MalformedError(FORMAT, 'too many lines in a reply');
    if (this.#replyBytes > MAX_CONTROL_REPLY_BYTES) throw new MalformedError(FORMAT, 'reply too large');
    if (this.#dataText !== null) return this.#dataLine(this.#dataText, line);
    if (!/^[2456]\d\d[-+ ]/.test(line)) throw new MalformedError(FORMAT, 'line has no status');
    const status = Number(line.slice(0, 3));
    if (this.#lines.length > 0 && status !== this.#status) {
      throw new MalformedError(FORMAT, 'status changes inside a reply');
    }
    this.#status = status;
    const text = line.slice(4);
    if (line[3] === '+') {
      this.#dataText = text;
      return null;
    }
    this.#lines.push({ text });
    return line[3] === '-' ? null : this.#finish();
  }

  #dataLine(text: string, line: string): null {
    if (line === '.') {
      this.#lines.push({ text, data: this.#data.join('\n') });
      this.#data = [];
      this.#dataText = null;
    } else {
      this.#data.push(line.startsWith('.') ? line.slice(1) : line);
    }
    return null;
  }

  #finish(): ControlReply {
    const reply: ControlReply = { status: this.#status, lines: this.#lines };
    this.#lines = [];
    this.#lineCount = 0;
    this.#replyBytes = 0;
    return reply;
  }
}
