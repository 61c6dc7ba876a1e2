import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CipherState } from '../../src/kem/cipher-state.ts';
import { KemError } from '../../src/kem/errors.ts';
import { MAX_RECORD_DATA_BYTES } from '../../src/net/limits.ts';
import {
  MIN_RECORD_BYTES,
  RecordOpener,
  RecordSealer,
  refusalOf,
  type RekeyLimits,
} from '../../src/net/record.ts';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { CryptoError } from '../../src/safety/crypto/provider.ts';
import { MalformedError } from '../../src/safety/errors.ts';

const none = new Uint8Array(0);
const cipher = (): CipherState => new CipherState(nodeProvider.chaCha20Poly1305, new Uint8Array(32).fill(5));
const limits = (records: number, bytes = 1e9, intervalMs = 1e9): RekeyLimits => ({
  records,
  bytes,
  intervalMs,
});

/** The ciphertexts of framed records. */
function unframed(pieces: readonly Uint8Array[]): Uint8Array[] {
  const stream = concat(...pieces);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = (stream[at] as number) * 256 + (stream[at + 1] as number);
    frames.push(stream.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return frames;
}

/** A record with any plaintext, as a peer who has the key could make it. */
function record(state: CipherState, ...plaintext: Uint8Array[]): Uint8Array {
  return state.encrypt(none, ...plaintext);
}

describe('records', () => {
  test('carry data of every size and then the end', () => {
    const [sealer, opener] = [new RecordSealer(cipher(), () => 0), new RecordOpener(cipher())];
    for (const size of [1, 4096, 4097, MAX_RECORD_DATA_BYTES]) {
      const data = new Uint8Array(size).fill(size);
      const [frame, ...more] = unframed(sealer.data(data));
      assert.equal(more.length, 0);
      assert.ok(frame !== undefined && frame.length === size + MIN_RECORD_BYTES);
      const opened = opener.open(frame);
      assert.ok(opened.type === 'data');
      assert.deepEqual(Uint8Array.from(opened.data), data);
    }
    const [end] = unframed([sealer.end('done')]);
    assert.deepEqual(opener.open(end as Uint8Array), { type: 'end', reason: 'done' });
    assert.throws(() => sealer.data(Uint8Array.of(1)), KemError);
    assert.throws(() => opener.open(end as Uint8Array), MalformedError);
  });

  test('carry why the other side refuses', () => {
    for (const [reason, code] of [
      ['protocol-unknown', 'PROTOCOL_UNKNOWN'],
      ['busy', 'BUSY'],
    ] as const) {
      const [end] = unframed([new RecordSealer(cipher(), () => 0).end(reason)]);
      assert.deepEqual(new RecordOpener(cipher()).open(end as Uint8Array), { type: 'end', reason });
      assert.equal(refusalOf(reason)?.code, code);
    }
    assert.equal(refusalOf('done'), undefined);
  });

  test('cannot be empty or too long', () => {
    const sealer = new RecordSealer(cipher(), () => 0);
    assert.throws(() => sealer.data(none), RangeError);
    assert.throws(() => sealer.data(new Uint8Array(MAX_RECORD_DATA_BYTES + 1)), RangeError);
  });

  for (const [why, set, between] of [
    ['a number of records', limits(3), 0],
    ['a number of bytes', limits(1e9, 3000), 0],
    ['a time', limits(1e9, 1e9, 3000), 1000],
  ] as const) {
    test(`are rekeyed after ${why}, and the receiver follows`, () => {
      let now = 0;
      const [sealer, opener] = [new RecordSealer(cipher(), () => now, set), new RecordOpener(cipher(), set)];
      let rekeys = 0;
      for (let i = 0; i < 10; i++) {
        for (const frame of unframed(sealer.data(new Uint8Array(1000).fill(i)))) {
          const opened = opener.open(frame);
          if (opened.type === 'rekey') rekeys++;
          else assert.ok(opened.type === 'data' && opened.data[0] === i);
        }
        now += between;
      }
      assert.equal(rekeys, 3);
    });
  }

  test('of a peer that never rekeys are refused at twice the limit', () => {
    for (const set of [limits(5), limits(1e9, 5)]) {
      const [state, opener] = [cipher(), new RecordOpener(cipher(), set)];
      for (let i = 0; i < 10; i++) opener.open(record(state, Uint8Array.of(0, 1)));
      assert.throws(() => opener.open(record(state, Uint8Array.of(0, 1))), MalformedError);
    }
  });

  const against: readonly (readonly [string, Uint8Array])[] = [
    ['no type', none],
    ['an unknown type', Uint8Array.of(3)],
    ['empty data', Uint8Array.of(0)],
    ['an end without reason', Uint8Array.of(1)],
    ['an unknown reason', Uint8Array.of(1, 3)],
    ['a reason too long', Uint8Array.of(1, 0, 0)],
    ['a rekey with data', Uint8Array.of(2, 0)],
    ['a rekey before any data', Uint8Array.of(2)],
  ];
  for (const [what, plaintext] of against) {
    test(`with ${what} are refused although authentic`, () => {
      assert.throws(() => new RecordOpener(cipher()).open(record(cipher(), plaintext)), MalformedError);
    });
  }

  test('that are forged, repeated or out of order are refused', () => {
    const [state, opener] = [cipher(), new RecordOpener(cipher())];
    const [first, second] = [record(state, utf8('\0a')), record(state, utf8('\0b'))];
    assert.throws(() => opener.open(second), CryptoError);
    opener.open(first);
    assert.throws(() => opener.open(first), CryptoError);
    for (let at = 0; at < second.length; at++) {
      const changed = second.slice();
      changed[at] = (changed[at] as number) ^ 0x41;
      assert.throws(() => opener.open(changed), CryptoError, `byte ${at}`);
    }
    assert.throws(() => opener.open(new Uint8Array(3)), CryptoError);
    opener.open(second);
  });
});
