import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedError } from '../../../src/safety/errors.ts';
import { ControlReplyDecoder } from '../../../src/transport-tor/tor/control-reply.ts';
import {
  MAX_CONTROL_LINE_BYTES,
  MAX_CONTROL_REPLY_BYTES,
  MAX_CONTROL_REPLY_LINES,
} from '../../../src/transport-tor/tor/limits.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const decode = (text: string) => new ControlReplyDecoder().push(bytes(text));

const SAMPLE =
  '250-version=0.4.9.11\r\n250+config-text=\r\n..leading dot\r\nORPort 1\r\n.\r\n250 OK\r\n650 CIRC 1 BUILT\r\n';
const SAMPLE_REPLIES = [
  {
    status: 250,
    lines: [
      { text: 'version=0.4.9.11' },
      { text: 'config-text=', data: '.leading dot\nORPort 1' },
      { text: 'OK' },
    ],
  },
  { status: 650, lines: [{ text: 'CIRC 1 BUILT' }] },
];

test('single, middle, data and event lines are told apart', () => {
  assert.deepEqual(decode(SAMPLE), SAMPLE_REPLIES);
});

test('any cutting of the bytes gives the same replies', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(SAMPLE.length), { maxLength: 20 }), (cuts) => {
      const decoder = new ControlReplyDecoder();
      const at = [0, ...cuts.toSorted((a, b) => a - b), SAMPLE.length];
      const pieces = at.slice(1).map((end, i) => SAMPLE.slice(at[i], end));
      assert.deepEqual(
        pieces.flatMap((piece) => decoder.push(bytes(piece))),
        SAMPLE_REPLIES,
      );
    }),
  );
});

test('any bytes give replies or MalformedError, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      try {
        new ControlReplyDecoder().push(data);
      } catch (error) {
        assert.ok(error instanceof MalformedError);
      }
    }),
  );
});

for (const [what, text] of [
  ['no status', 'hello\r\n'],
  ['a status of another kind', '350 OK\r\n'],
  ['an unknown separator', '250*OK\r\n'],
  ['a line that ends in LF alone', '250 OK\n'],
  ['a CR inside a line', '250 O\rK\r\n'],
  ['a NUL inside a line', '250 O\0K\r\n'],
  ['a status that changes inside a reply', '250-a\r\n251 b\r\n'],
  ['an event inside a reply', '250-a\r\n650 b\r\n'],
  ['an HTTP answer', 'HTTP/1.0 501 Tor is not an HTTP Proxy\r\n'],
  ['a line beyond the limit', `250 ${'x'.repeat(MAX_CONTROL_LINE_BYTES)}\r\n`],
  ['a line beyond the limit without its end', 'x'.repeat(MAX_CONTROL_LINE_BYTES + 1)],
  ['too many lines', '250-x\r\n'.repeat(MAX_CONTROL_REPLY_LINES + 1)],
  [
    'a reply that is too large',
    `250+x\r\n${`${'y'.repeat(1022)}\r\n`.repeat(MAX_CONTROL_REPLY_BYTES / 1024)}`,
  ],
] as const) {
  test(`${what} is malformed, and the decoder stays unusable`, () => {
    const decoder = new ControlReplyDecoder();
    assert.throws(() => decoder.push(bytes(text)), MalformedError);
    assert.throws(() => decoder.push(bytes('250 OK\r\n')), MalformedError);
    assert.throws(() => decoder.end(), MalformedError);
  });
}

test('the limits count each reply anew', () => {
  const decoder = new ControlReplyDecoder();
  const reply = `${'250-x\r\n'.repeat(MAX_CONTROL_REPLY_LINES - 1)}250 OK\r\n`;
  for (let i = 0; i < 3; i++) assert.equal(decoder.push(bytes(reply)).length, 1);
});

test('an end inside a reply is malformed, between replies it is not', () => {
  for (const text of ['25', '250-a\r\n', '250+a\r\nb\r\n']) {
    const decoder = new ControlReplyDecoder();
    decoder.push(bytes(text));
    assert.throws(() => decoder.end(), MalformedError);
  }
  const decoder = new ControlReplyDecoder();
  decoder.push(bytes(SAMPLE));
  decoder.end();
});
