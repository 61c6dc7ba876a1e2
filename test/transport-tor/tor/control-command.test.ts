import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCommand, keyValues, quoted } from '../../../src/transport-tor/tor/control-command.ts';

test('words are joined by spaces and end in CR LF', () => {
  assert.equal(encodeCommand('SETCONF', ['a=1', quoted('b "c" \\d')]), 'SETCONF a=1 "b \\"c\\" \\\\d"\r\n');
});

test('no argument can end the line or become two words', () => {
  for (const word of ['a b', 'a\r\nQUIT', 'a\nb', '', 'a"b', 'a\0', 'ü', '\u2028']) {
    assert.throws(() => encodeCommand('GETINFO', [word]), RangeError, JSON.stringify(word));
  }
  for (const text of ['a\r\nQUIT', '\0', 'ü', '\t']) assert.throws(() => quoted(text), RangeError);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      let line = '';
      try {
        line = encodeCommand('X', [text, quoted(text)]);
      } catch (error) {
        assert.ok(error instanceof RangeError);
        return;
      }
      assert.equal(line.indexOf('\r\n'), line.length - 2);
    }),
  );
});

test('a quoted string is read back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
      fc.pre(/^[\x20-\x7e]*$/.test(text));
      assert.equal(keyValues(`A=1 B=${quoted(text).quoted} C=x`).get('B'), text);
    }),
  );
});

test('key=value words are found behind others, the first of a name counts', () => {
  assert.deepEqual(
    [...keyValues('NOTICE BOOTSTRAP PROGRESS=5 SUMMARY="a b" EMPTY= PROGRESS=9')],
    [
      ['PROGRESS', '5'],
      ['SUMMARY', 'a b'],
      ['EMPTY', ''],
    ],
  );
});

test('escapes in a quoted value are bytes of UTF-8', () => {
  const path = (inside: string): string | undefined =>
    keyValues(`AUTH COOKIEFILE="${inside}"`).get('COOKIEFILE');
  assert.equal(path(String.raw`/d\303\244 \"ta\\ x\'`), `/dä "ta\\ x'`);
  assert.equal(path(String.raw`\n\t\r|\\n|\\303`), '\n\t\r|\\n|\\303');
  assert.equal(path(String.raw`\360\237\247\205\0601`), '🧅01');
  assert.equal(path(Buffer.from('ä').toString('latin1')), 'ä', 'bytes that tor left as they are');
  assert.equal(path(String.raw`\377\400\8\3`), '\ufffd40083');
  assert.equal(path(String.raw`\357\273\277a`), '\ufeffa');
});
