/** Whether what a person wants to send can be sent. Throws ChatError, with what would be possible. */

import {
  MAX_ATTACHMENT_BYTES,
  MAX_EMOJI_BYTES,
  MAX_FILE_NAME_BYTES,
  MAX_MEDIA_TYPE_BYTES,
  MAX_TEXT_BYTES,
} from '../wire/chat-content.ts';
import { ChatError, type ChatErrorCode } from './errors.ts';
import { DEFAULT_PAGE_MESSAGES, MAX_PAGE_MESSAGES } from './limits.ts';

export function checkText(text: string, mayBeEmpty: boolean): void {
  if (text === '' && !mayBeEmpty) {
    throw new ChatError('MESSAGE_EMPTY', 'there is nothing in this message', { hint: 'Write something.' });
  }
  if (!text.isWellFormed() || Buffer.byteLength(text) > MAX_TEXT_BYTES) {
    throw tooLong('MESSAGE_TOO_LONG', 'this text is too long for one message', MAX_TEXT_BYTES);
  }
}

export function checkAttachment(o: {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}): void {
  const { name, type, bytes } = o;
  if (bytes.length > MAX_ATTACHMENT_BYTES) {
    throw tooLong('ATTACHMENT_TOO_LARGE', 'this file is too large for a message', MAX_ATTACHMENT_BYTES);
  }
  const fits = (text: string, max: number) =>
    text !== '' && text.isWellFormed() && Buffer.byteLength(text) <= max;
  if (!fits(name, MAX_FILE_NAME_BYTES) || !fits(type, MAX_MEDIA_TYPE_BYTES)) {
    throw new ChatError('ATTACHMENT_UNNAMED', 'an attachment needs a name and a type', {
      hint: `Give a name of at most ${MAX_FILE_NAME_BYTES} bytes and a media type of at most ${MAX_MEDIA_TYPE_BYTES}.`,
    });
  }
}

/** One emoji, or nothing; whatever is shown as one character. */
export function checkReaction(emoji: string): void {
  const shown = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(emoji)];
  if (shown.length <= 1 && emoji.isWellFormed() && Buffer.byteLength(emoji) <= MAX_EMOJI_BYTES) return;
  throw tooLong('REACTION_TOO_LONG', 'a reaction is one emoji', MAX_EMOJI_BYTES);
}

/** The limit to use. */
export function checkedLimit(limit: number | undefined): number {
  const wanted = limit ?? DEFAULT_PAGE_MESSAGES;
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MAX_PAGE_MESSAGES) return wanted;
  throw new ChatError('PAGE_WRONG', 'a page cannot have so many messages', {
    hint: `Ask for 1 to ${MAX_PAGE_MESSAGES}.`,
    data: { maxMessages: MAX_PAGE_MESSAGES },
  });
}

function tooLong(code: ChatErrorCode, message: string, maxBytes: number): ChatError {
  return new ChatError(code, message, {
    hint: `At most ${maxBytes} bytes are possible.`,
    data: { maxBytes },
  });
}
