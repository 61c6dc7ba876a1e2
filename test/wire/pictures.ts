/** Small pictures, made here: a whole PNG, and the beginnings of the others as far as they are looked at. */

import { crc32, deflateSync } from 'node:zlib';

/** A black PNG of that size. */
export function png(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits of a grey pixel
  const pixels = deflateSync(Buffer.alloc((width + 1) * height));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** As far as the frame header; a comment of `commentBytes` in front of it. */
export function jpeg(width: number, height: number, commentBytes = 0): Buffer {
  const comment = Buffer.concat([
    Buffer.from([0xff, 0xfe]),
    u16(2 + commentBytes),
    Buffer.alloc(commentBytes),
  ]);
  const frame = Buffer.concat([
    Buffer.from([0xff, 0xc2]),
    u16(11),
    Buffer.from([8]),
    u16(height),
    u16(width),
  ]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), comment, frame]);
}

/** Lossy, lossless, extended. */
export function webp(kind: 'VP8 ' | 'VP8L' | 'VP8X', width: number, height: number): Buffer {
  const head = Buffer.concat([Buffer.from('RIFF____WEBP'), Buffer.from(kind), Buffer.alloc(4)]);
  const body = Buffer.alloc(10);
  if (kind === 'VP8 ') {
    body.set([0x9d, 0x01, 0x2a], 3);
    body.writeUInt16LE(width, 6);
    body.writeUInt16LE(height, 8);
  } else if (kind === 'VP8L') {
    body[0] = 0x2f;
    body.writeUInt32LE((width - 1) | ((height - 1) << 14), 1);
  } else {
    body.writeUIntLE(width - 1, 4, 3);
    body.writeUIntLE(height - 1, 7, 3);
  }
  return Buffer.concat([head, body]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
