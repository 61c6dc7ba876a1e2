/**
 * Boxes that are put together: two bytes of input name the tag, count and index of each, and its payload. Accepted are
 * all boxes of one parcel in any order, which must cut into the same boxes again, and nothing else.
 */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import {
  BOX_PAYLOAD_BYTES,
  type Box,
  cutParcel,
  decodeBox,
  joinParcel,
  PARCEL_BOXES,
} from '../src/wire/parcel.ts';

/** More boxes than any parcel has. */
const MAX_BOXES = 6;

function boxOf(place: number, fill: number): Box {
  const count = PARCEL_BOXES[place % PARCEL_BOXES.length] as number;
  return {
    tag: new Uint8Array(16).fill(place >> 7),
    index: (place >> 2) % count,
    count,
    payload: new Uint8Array(BOX_PAYLOAD_BYTES).fill(fill),
  };
}

export function fuzz(data: Uint8Array): void {
  const boxes: Box[] = [];
  for (let at = 0; at + 1 < data.length && boxes.length < MAX_BOXES; at += 2) {
    boxes.push(boxOf(data[at] as number, data[at + 1] as number));
  }
  const kinds = new Set(boxes.map(({ tag, count }) => `${String(tag[0])}/${count}`));
  const whole =
    kinds.size === 1 &&
    boxes.length === boxes[0]?.count &&
    new Set(boxes.map(({ index }) => index)).size === boxes.length;
  try {
    const again = cutParcel(joinParcel(boxes)).map(decodeBox);
    assert.ok(whole, 'only a whole parcel is accepted');
    assert.deepEqual(
      again,
      boxes.toSorted((a, b) => a.index - b.index),
    );
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    assert.ok(!whole, 'a whole parcel is accepted');
  }
}
