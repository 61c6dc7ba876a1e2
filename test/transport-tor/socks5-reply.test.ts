import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fuzz } from '../../fuzz/socks5-reply.fuzz.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { decodeSocksReply } from '../../src/transport-tor/socks5-reply.ts';

const OPENING = [5, 2, 1, 0];

describe('decodeSocksReply', () => {
  it('cuts the reply by its address type', () => {
    const bodies: readonly (readonly [number[], number])[] = [
      [[1, 9, 9, 9, 9, 0, 80], 14],
      [[4, ...new Array(16).fill(7), 0, 80], 26],
      [[3, 2, 97, 98, 0, 80], 13],
      [[3, 0, 0, 80], 11],
      [[3, 255, ...new Array(255).fill(97), 0, 80], 266],
    ];
    for (const [body, length] of bodies) {
      const bytes = Uint8Array.from([...OPENING, 5, 0, 0, ...body, 1, 2, 3]);
      assert.deepEqual(decodeSocksReply(bytes), { kind: 'connect', code: 0, length });
      for (let end = 0; end < length; end++)
        assert.equal(decodeSocksReply(bytes.subarray(0, end)).kind, 'pending');
    }
  });

  it('counts complete answers', () => {
    const bytes = Uint8Array.from([...OPENING, 5, 0, 0]);
    const answered = Array.from({ length: 8 }, (_, end) => decodeSocksReply(bytes.subarray(0, end)));
    assert.deepEqual(
      answered,
      [0, 0, 1, 1, 2, 2, 2, 2].map((count) => ({ kind: 'pending', answered: count })),
    );
  });

  it('gives every code', () => {
    for (let code = 0; code < 256; code++) {
      const reply = decodeSocksReply(Uint8Array.from([...OPENING, 5, code, 0, 1, 0, 0, 0, 0, 0, 0]));
      assert.deepEqual(reply, { kind: 'connect', code, length: 14 });
    }
  });

  it('ends early where the proxy does', () => {
    assert.deepEqual(decodeSocksReply(Uint8Array.of(5, 0xff)), { kind: 'no-method', length: 2 });
    assert.deepEqual(decodeSocksReply(Uint8Array.of(5, 2, 1, 9)), {
      kind: 'auth-refused',
      length: 4,
    });
  });

  it('refuses at the first impossible byte', () => {
    for (const bytes of [
      [4],
      [72, 84, 84, 80],
      [5, 0],
      [5, 1],
      [5, 2, 0],
      [5, 2, 5],
      [...OPENING, 4],
      [...OPENING, 5, 0, 1],
      [...OPENING, 5, 0, 0, 2],
      [...OPENING, 5, 0, 0, 0],
    ]) {
      assert.throws(() => decodeSocksReply(Uint8Array.from(bytes)), MalformedError, String(bytes));
    }
  });

  it('holds its fuzz property on bytes near the format', () => {
    const near = fc.array(fc.constantFrom(0, 1, 2, 3, 4, 5, 255), { maxLength: 40 });
    fc.assert(fc.property(near, (tail) => fuzz(Uint8Array.from([...OPENING, ...tail]))));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fuzz));
  });
});
