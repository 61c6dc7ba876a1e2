/** What a person may put into their own profile. Throws {@link ProfileError}; nothing is changed then. */

import { utf8 } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { decodePicture, MAX_PICTURE_BYTES, MAX_PICTURE_SIDE } from '../wire/picture.ts';
import { MAX_NAME_BYTES, MAX_STATUS_BYTES } from '../wire/profile-content.ts';
import { ProfileError } from './errors.ts';

/** Control characters and what changes the direction of writing: no part of a name, and a trap on a terminal. */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

export function checkedName(name: string): string {
  return checkedText(name, MAX_NAME_BYTES, 'NAME_UNUSABLE', 'the name');
}

export function checkedStatus(status: string): string {
  return checkedText(status, MAX_STATUS_BYTES, 'STATUS_UNUSABLE', 'the status');
}

export function checkedPicture(picture: Uint8Array | null): Uint8Array | null {
  if (picture === null) return null;
  try {
    decodePicture(picture);
    return picture;
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw new ProfileError('PICTURE_UNUSABLE', 'this is no picture that friends could see', {
      hint: `Give a PNG, JPEG or WebP of at most ${MAX_PICTURE_BYTES} bytes and ${MAX_PICTURE_SIDE} pixels a side.`,
      cause,
    });
  }
}

function checkedText(
  text: string,
  maxBytes: number,
  code: 'NAME_UNUSABLE' | 'STATUS_UNUSABLE',
  what: string,
): string {
  const plain = text.normalize('NFC').trim();
  if (!plain.isWellFormed() || UNPRINTABLE.test(plain) || utf8(plain).length > maxBytes) {
    throw new ProfileError(code, `${what} cannot be shown as it is`, {
      hint: `Use at most ${maxBytes} bytes on one line, without control characters.`,
      data: { maxBytes },
    });
  }
  return plain;
}
