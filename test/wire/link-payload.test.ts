import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat } from '../../src/safety/bytes.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeLinkPayload,
  encodeLinkPayload,
  isLinkName,
  type LinkPayload,
  maxLinkPayloadBytes,
  MIN_LINK_PAYLOAD_BYTES,
} from '../../src/wire/link-payload.ts';

const publicKey = new Uint8Array(32).fill(1);
const signature = new Uint8Array(64).fill(2);
const fixed = concat(publicKey, signature);
const withNames = (...names: string[]): LinkPayload => ({ publicKey, signature, names });
const longest = '~'.repeat(255);

describe('link payload', () => {
  test('has the documented bytes', () => {
    assert.deepEqual(
      encodeLinkPayload(withNames('ab', 'c')),
      concat(fixed, Uint8Array.of(2, 2, 0x61, 0x62, 1, 0x63)),
    );
    assert.equal(encodeLinkPayload(withNames()).length, MIN_LINK_PAYLOAD_BYTES);
    assert.equal(
      encodeLinkPayload(withNames(...new Array<string>(8).fill(longest))).length,
      maxLinkPayloadBytes(8),
    );
  });

  test('survives the round trip', () => {
    const name = fc.string({ minLength: 1, maxLength: 255 }).filter(isLinkName);
    fc.assert(
      fc.property(fc.array(name, { maxLength: 8 }), (names) => {
        assert.deepEqual(decodeLinkPayload(encodeLinkPayload(withNames(...names))), withNames(...names));
      }),
      { numRuns: 100 },
    );
  });

  test('keeps nothing of the buffer it was read from', () => {
    const bytes = encodeLinkPayload(withNames('x'));
    const payload = decodeLinkPayload(bytes);
    bytes.fill(0);
    assert.deepEqual(payload, withNames('x'));
  });

  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['no count', fixed],
    ['a name missing', concat(fixed, Uint8Array.of(1))],
    ['a name cut', concat(fixed, Uint8Array.of(1, 3, 0x61, 0x62))],
    ['an empty name', concat(fixed, Uint8Array.of(1, 0))],
    ['a space', concat(fixed, Uint8Array.of(1, 1, 0x20))],
    ['a control character', concat(fixed, Uint8Array.of(1, 1, 0x0a))],
    ['a byte above ASCII', concat(fixed, Uint8Array.of(1, 1, 0xe9))],
    ['bytes after the end', concat(fixed, Uint8Array.of(0, 0))],
    ['nine names', concat(fixed, Uint8Array.of(9), ...new Array<Uint8Array>(9).fill(Uint8Array.of(1, 0x61)))],
  ];
  for (const [what, bytes] of bad) {
    test(`with ${what} is refused`, () => assert.throws(() => decodeLinkPayload(bytes), MalformedError));
  }

  test('with more names than the step allows is refused', () => {
    assert.throws(() => decodeLinkPayload(encodeLinkPayload(withNames('a', 'b')), 1), MalformedError);
    assert.throws(() => decodeLinkPayload(encodeLinkPayload(withNames('a')), 0), MalformedError);
  });

  test('of a caller who cannot count is refused', () => {
    assert.throws(() => encodeLinkPayload(withNames('')), RangeError);
    assert.throws(() => encodeLinkPayload(withNames(`${longest}~`)), RangeError);
    assert.throws(() => encodeLinkPayload(withNames(...new Array<string>(9).fill('a'))), RangeError);
    assert.throws(() => encodeLinkPayload({ publicKey: signature, signature, names: [] }), RangeError);
  });
});
