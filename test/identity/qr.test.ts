/** The printed code is read again by a decoder that sees only the characters. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeQR } from 'qr/decode.js';
import { qrText } from '../../src/identity/qr.ts';

const SCALE = 4;

/** What the text says, read as a camera would. */
function read(text: string): string {
  const lines = text.trimEnd().split('\n');
  const width = (lines[0] ?? '').length;
  const size = { width: width * SCALE, height: lines.length * 2 * SCALE };
  const data = new Uint8Array(size.width * size.height * 3);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const row = Math.floor(y / SCALE);
      const block = lines[row >> 1]?.[Math.floor(x / SCALE)] ?? ' ';
      const light = block === '█' || block === (row % 2 === 0 ? '▀' : '▄');
      data.fill(light ? 255 : 0, (y * size.width + x) * 3, (y * size.width + x) * 3 + 3);
    }
  }
  return decodeQR({ ...size, data });
}

test('an id, and the longest invite, are read again and fit 80 columns', () => {
  for (const text of ['a1'.repeat(48), `kith:${'Ab-9_'.repeat(64)}`]) {
    const printed = qrText(text);
    assert.equal(read(printed), text);
    const lines = printed.split('\n');
    assert.equal(lines.at(-1), '');
    assert.ok(lines.every((line) => line.length <= 80));
    assert.match(printed, /^[█▀▄ \n]+$/);
  }
});
