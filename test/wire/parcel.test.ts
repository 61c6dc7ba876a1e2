import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  BOX_BYTES,
  BOX_HEAD_BYTES,
  BOX_PAYLOAD_BYTES,
  type Box,
  boxesFor,
  cutParcel,
  decodeBox,
  encodeBox,
  joinParcel,
  PARCEL_PAYLOAD_SIZES,
} from '../../src/wire/parcel.ts';

const tag = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const patterned = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * i) % 251);
const boxesOf = (size: number, of = tag): Box[] =>
  cutParcel({ tag: of, payload: patterned(size) }).map(decodeBox);
const [small, middle, large] = PARCEL_PAYLOAD_SIZES as [number, number, number];

test('a box has the documented bytes', () => {
  assert.deepEqual([BOX_BYTES, BOX_HEAD_BYTES, BOX_PAYLOAD_BYTES], [4_096, 32, 4_064]);
  assert.deepEqual(PARCEL_PAYLOAD_SIZES, [4_064, 8_128, 16_256]);
  const payload = new Uint8Array(4_064).fill(0xab);
  const head = `01${hex(tag)}0204${'00'.repeat(13)}`;
  assert.equal(hex(encodeBox({ tag, index: 2, count: 4, payload })), `${head}${'ab'.repeat(4_064)}`);
});

test('a parcel is cut in order and joined from any order', () => {
  const order = fc.constantFrom(...PARCEL_PAYLOAD_SIZES).chain((size) =>
    fc.tuple(
      fc.constant(size),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.shuffledSubarray(
        Array.from({ length: size / BOX_PAYLOAD_BYTES }, (_, i) => i),
        {
          minLength: size / BOX_PAYLOAD_BYTES,
        },
      ),
    ),
  );
  fc.assert(
    fc.property(order, ([size, ownTag, places]) => {
      const payload = patterned(size);
      const boxes = cutParcel({ tag: ownTag, payload });
      assert.ok(boxes.every((box) => box.length === BOX_BYTES));
      const first = payload.subarray(0, BOX_PAYLOAD_BYTES);
      assert.equal(hex(boxes[0]?.subarray(BOX_HEAD_BYTES) as Uint8Array), hex(first));
      const joined = joinParcel(places.map((place) => decodeBox(boxes[place] as Uint8Array)));
      assert.equal(hex(joined.tag), hex(ownTag));
      assert.equal(hex(joined.payload), hex(payload));
    }),
    { numRuns: 60 },
  );
});

test('a changed byte of the head is refused or makes another box', () => {
  const bytes = cutParcel({ tag, payload: patterned(middle) })[1] as Uint8Array;
  for (let at = 0; at < BOX_HEAD_BYTES; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 0x10;
    if (at >= 1 && at < 17) assert.notDeepEqual(decodeBox(changed).tag, tag);
    else assert.throws(() => decodeBox(changed), MalformedError, `byte ${at}`);
  }
});

test('other lengths and places are refused', () => {
  for (const size of [0, 1, 4_064, 4_095, 4_097, 8_192]) {
    assert.throws(() => decodeBox(new Uint8Array(size).fill(1)), MalformedError);
  }
  const bytes = cutParcel({ tag, payload: patterned(small) })[0] as Uint8Array;
  for (const [index, count] of [
    [0, 0],
    [1, 1],
    [0, 3],
    [2, 2],
    [4, 4],
    [0, 8],
    [255, 255],
  ] as const) {
    const changed = bytes.slice();
    changed.set([index, count], 17);
    assert.throws(() => decodeBox(changed), MalformedError, `${index} of ${count}`);
  }
});

test('boxes that are not one whole parcel are refused', () => {
  const [one, two, four] = [boxesOf(small), boxesOf(middle), boxesOf(large)];
  const other = boxesOf(middle, tag.toReversed());
  for (const [what, boxes] of [
    ['none', []],
    ['missing', two.slice(1)],
    ['too many', [...two, two[0] as Box]],
    ['twice', [two[0] as Box, two[0] as Box]],
    ['twice of four', [...four.slice(1), four[3] as Box]],
    ['two tags', [two[0] as Box, other[1] as Box]],
    ['two counts', [two[0] as Box, four[1] as Box]],
    ['two counts, the larger first', [...four.slice(0, 3), two[1] as Box]],
    ['two of one box', [...one, ...one]],
  ] as const) {
    assert.throws(() => joinParcel(boxes), { format: 'parcel' }, what);
  }
});

test('the smallest parcel that fits is chosen', () => {
  for (const [content, overhead, boxes] of [
    [0, 0, 1],
    [4_064, 0, 1],
    [4_065, 0, 2],
    [4_064 - 1_304, 1_304, 1],
    [4_065 - 1_304, 1_304, 2],
    [8_128, 0, 2],
    [8_129, 0, 4],
    [16_256, 0, 4],
    [16_257, 0, null],
  ] as const) {
    assert.equal(boxesFor(content, overhead), boxes, `${content} + ${overhead}`);
  }
});

test('fields without an encoding are the mistake of the caller', () => {
  const payload = patterned(BOX_PAYLOAD_BYTES);
  for (const wrong of [
    { tag: new Uint8Array(15) },
    { index: 1 },
    { index: -1 },
    { index: 0.5 },
    { count: 3 },
    { payload: payload.subarray(1) },
  ]) {
    assert.throws(() => encodeBox({ tag, index: 0, count: 1, payload, ...wrong }), RangeError);
  }
  for (const size of [0, 4_063, 4_065, 12_192, 32_512]) {
    assert.throws(() => cutParcel({ tag, payload: new Uint8Array(size) }), RangeError);
  }
});
