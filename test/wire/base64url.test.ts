import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64url, encodeBase64url } from '../../src/wire/base64url.ts';

test('the same text as node gives, and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = encodeBase64url(bytes);
      assert.equal(text, Buffer.from(bytes).toString('base64url'));
      assert.deepEqual(decodeBase64url(text), bytes);
    }),
  );
});

test('bytes have one text', () => {
  // 'AB' would be the byte 0 with bits behind it; 'A' is no whole byte
  for (const text of ['AB', 'AAB', 'A', 'AAAAA', 'AA==', 'A+', 'A/', ' AA', 'AA\n', 'é', '😀😀']) {
    assert.equal(decodeBase64url(text), null, JSON.stringify(text));
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('A', 'Z', 'a', 'z', '0', '9', '-', '_') }), (text) => {
      const bytes = decodeBase64url(text);
      if (bytes !== null) assert.equal(encodeBase64url(bytes), text);
    }),
  );
});
