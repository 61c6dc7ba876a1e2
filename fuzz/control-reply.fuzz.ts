/** Any cutting gives the same replies, and every accepted reply, written out again, is read as the same reply. */

import { MalformedError } from '../src/safety/errors.ts';
import { type ControlReply, ControlReplyDecoder } from '../src/transport-tor/tor/control-reply.ts';
import { parseBootstrap } from '../src/transport-tor/tor/bootstrap.ts';
import { keyValues } from '../src/transport-tor/tor/control-command.ts';

export function fuzz(data: Uint8Array): void {
  const whole = decode([data]);
  const bytewise = decode(Array.from(data, (byte) => Uint8Array.of(byte)));
  // a chunk that turns out malformed loses the replies before the fault, so only the good ones can be compared
  const agree = whole.malformed === bytewise.malformed;
  if (!agree || (!whole.malformed && key(whole.replies) !== key(bytewise.replies))) {
    throw new Error('the cutting of the bytes makes a difference');
  }
  const { replies } = bytewise;
  const again = decode([Buffer.from(replies.map(encode).join(''), 'latin1')]);
  if (again.malformed || key(again.replies) !== key(replies))
    throw new Error('not the same after a round trip');
  for (const { lines } of replies) {
    for (const { text } of lines) {
      keyValues(text);
      const status = parseBootstrap(text);
      if (status !== null && !(status.progress >= 0 && status.progress <= 100))
        throw new Error('progress out of range');
    }
  }
}

function decode(chunks: readonly Uint8Array[]): { replies: ControlReply[]; malformed: boolean } {
  const decoder = new ControlReplyDecoder();
  const replies: ControlReply[] = [];
  try {
    for (const chunk of chunks) replies.push(...decoder.push(chunk));
    return { replies, malformed: false };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { replies, malformed: true };
  }
}

function encode({ status, lines }: ControlReply): string {
  return lines
    .map(({ text, data }, i) => {
      if (data === undefined) return `${status}${i === lines.length - 1 ? ' ' : '-'}${text}\r\n`;
      const stuffed =
        data === '' ? [] : data.split('\n').map((line) => (line.startsWith('.') ? `.${line}` : line));
      return `${status}+${text}\r\n${stuffed.map((line) => `${line}\r\n`).join('')}.\r\n`;
    })
    .join('');
}

function key(replies: readonly ControlReply[]): string {
  return JSON.stringify(replies);
}
