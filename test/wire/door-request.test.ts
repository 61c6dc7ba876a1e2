import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENVELOPE_BYTES } from '../../src/kem/sealed-envelope.ts';
import { concat, toHex } from '../../src/safety/bytes.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeDoorRequest,
  decodeDoorStatus,
  DOOR_REQUEST_BYTES,
  DOOR_STATUSES,
  encodeDoorRequest,
  encodeDoorStatus,
} from '../../src/wire/door-request.ts';

const envelope = new Uint8Array(ENVELOPE_BYTES).fill(6);
const token = new Uint8Array(16).fill(3);
const tag = new Uint8Array(16).fill(9);

for (const [what, request] of [
  ['with a token', { token, count: 5, tag, envelope }],
  ['without one', { token: null, count: 2 ** 48 - 1, tag, envelope }],
] as const) {
  test(`a request ${what} is read as it was written`, () => {
    const bytes = encodeDoorRequest(request);
    assert.equal(bytes.length, DOOR_REQUEST_BYTES);
    assert.deepEqual(decodeDoorRequest(bytes), request);
  });
}

test('the bytes are those of docs/wire.md', () => {
  const bytes = encodeDoorRequest({ token, count: 258, tag, envelope });
  assert.equal(toHex(bytes.subarray(0, 41)), `01${'03'.repeat(16)}000000000102${'09'.repeat(16)}0606`);
});

test('another version, length or status is refused', () => {
  const bytes = encodeDoorRequest({ token, count: 5, tag, envelope });
  const version = Uint8Array.from(bytes);
  version[0] = 2;
  for (const wrong of [version, bytes.subarray(1), concat(bytes, Uint8Array.of(1)), new Uint8Array(0)]) {
    assert.throws(() => decodeDoorRequest(wrong), MalformedError);
  }
  for (const wrong of [[0], [6], [1, 1], []]) {
    assert.throws(() => decodeDoorStatus(Uint8Array.from(wrong)), MalformedError);
  }
});

test('a token of zeros is none and cannot be written', () => {
  assert.throws(() => encodeDoorRequest({ token: new Uint8Array(16), count: 1, tag, envelope }), RangeError);
  assert.throws(() => encodeDoorRequest({ token: new Uint8Array(15), count: 1, tag, envelope }), RangeError);
});

test('each status has its byte, from 1', () => {
  assert.deepEqual(
    DOOR_STATUSES.map((status) => encodeDoorStatus(status)[0]),
    [1, 2, 3, 4, 5],
  );
  for (const status of DOOR_STATUSES) assert.equal(decodeDoorStatus(encodeDoorStatus(status)), status);
});
