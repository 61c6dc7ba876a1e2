/**
 * What a profile picture is, read from its first bytes: PNG (W3C PNG, 11.2.2), JPEG (ITU-T T.81, B.2.2) or WebP (RFC
 * 9649, 2.5 to 2.7), and how large it is drawn. Nothing is decompressed: whoever draws it does that, and is told here
 * that it is small. That the rest of the file is sound is not checked.
 */

import { MalformedError } from '../safety/errors.ts';

/** Size of a picture in the profile, bytes: five contents carry it, and a length of 2 bytes says it. */
export const MAX_PICTURE_BYTES = 64 * 1024 - 1;
/** Pixels of a side: far above an avatar, far below what makes a reader run out of memory when it unpacks it. */
export const MAX_PICTURE_SIDE = 1_024;

export const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;

export interface Picture {
  readonly type: (typeof PICTURE_TYPES)[number];
  /** Pixels, 1 to {@link MAX_PICTURE_SIDE}. */
  readonly width: number;
  readonly height: number;
}

type Size = readonly [width: number, height: number];

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Total: throws only {@link MalformedError}. */
export function decodePicture(bytes: Uint8Array): Picture {
  if (bytes.length > MAX_PICTURE_BYTES) {
    throw malformed('too large', { sizeBytes: bytes.length, maxBytes: MAX_PICTURE_BYTES });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [type, [width, height]] = read(bytes, view);
  if (width < 1 || height < 1 || width > MAX_PICTURE_SIDE || height > MAX_PICTURE_SIDE) {
    throw malformed('sides out of range', { width, height, maxSide: MAX_PICTURE_SIDE });
  }
  return { type, width, height };
}

function read(bytes: Uint8Array, view: DataView): readonly [Picture['type'], Size] {
  try {
    if (PNG_SIGNATURE.every((byte, i) => bytes[i] === byte)) return ['image/png', pngSize(view)];
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return ['image/jpeg', jpegSize(view)];
    if (ascii(bytes, 0) === 'RIFF' && ascii(bytes, 8) === 'WEBP')
      return ['image/webp', webpSize(bytes, view)];
  } catch (error) {
    if (error instanceof RangeError) throw malformed('cut off'); // what a DataView throws beyond its end
    throw error;
  }
  throw malformed('neither PNG nor JPEG nor WebP');
}

function pngSize(view: DataView): Size {
  if (view.getUint32(12) !== 0x49_48_44_52) throw malformed('a PNG without IHDR');
  return [view.getUint32(16), view.getUint32(20)];
}

/** Walks the segments to the start of frame. */
function jpegSize(view: DataView): Size {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) throw malformed('a JPEG with bytes between segments');
    const marker = view.getUint8(at + 1);
    // SOF0 to SOF15 without the three of them that are something else: DHT, JPG, DAC
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return [view.getUint16(at + 7), view.getUint16(at + 5)];
    }
    if (marker === 0xda || marker === 0xd9) throw malformed('a JPEG without a frame');
    const length = view.getUint16(at + 2);
    if (length < 2) throw malformed('a JPEG with an empty segment');
    at += 2 + length;
  }
}

function webpSize(bytes: Uint8Array, view: DataView): Size {
  switch (ascii(bytes, 12)) {
    case 'VP8 ':
      if (view.getUint8(23) !== 0x9d || view.getUint8(24) !== 0x01 || view.getUint8(25) !== 0x2a) {
        throw malformed('a WebP without a key frame');
      }
      return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    case 'VP8L': {
      if (view.getUint8(20) !== 0x2f) throw malformed('a WebP without its signature');
      const bits = view.getUint32(21, true);
      return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
    case 'VP8X':
      return [1 + u24(view, 24), 1 + u24(view, 27)];
    default:
      throw malformed('a WebP of an unknown kind');
  }
}

function u24(view: DataView, at: number): number {
  return view.getUint16(at, true) + view.getUint8(at + 2) * 2 ** 16;
}

function ascii(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function malformed(what: string, data: Readonly<Record<string, number>> = {}): MalformedError {
  return new MalformedError('picture', what, data);
}
