import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRpcLine, encodeRpcLine, LineReader, type RpcMessage } from '../../src/local/json-rpc.ts';
import { RPC_LINE_MAX_BYTES } from '../../src/local/limits.ts';
import { MalformedError } from '../../src/safety/errors.ts';

const messages: readonly RpcMessage[] = [
  { kind: 'request', id: 1, method: 'status', params: {} },
  { kind: 'notification', method: 'changed', params: { a: [1, null, 'x'] } },
  { kind: 'result', id: 2, result: { ok: true } },
  {
    kind: 'error',
    id: 3,
    error: { code: -32000, message: 'm', data: { code: 'C', hint: 'h', data: { n: 1 } } },
  },
];

test('messages survive a line', () => {
  for (const message of messages) {
    const line = encodeRpcLine(message);
    assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1);
    assert.deepEqual(decodeRpcLine(line.trimEnd()), message);
  }
});

test('anything else is refused', () => {
  for (const line of [
    '',
    'x',
    '[]',
    'null',
    '{}',
    '{"jsonrpc":"1.0","id":1,"method":"a"}',
    '{"jsonrpc":"2.0","id":"1","method":"a"}',
    '{"jsonrpc":"2.0","id":1.5,"method":"a"}',
    '{"jsonrpc":"2.0","id":1,"method":1}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","result":1}',
    '{"jsonrpc":"2.0","id":1,"error":{}}',
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":1,"data":{}}}',
  ]) {
    assert.throws(() => decodeRpcLine(line), MalformedError, line);
  }
});

test('lines come out however the bytes are cut', () => {
  const lines = messages.map((message) => encodeRpcLine(message).trimEnd());
  const stream = Buffer.from(`${lines.join('\n')}\n`);
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
      const reader = new LineReader();
      const ends = [...cuts.toSorted((a, b) => a - b), stream.length];
      const found: string[] = [];
      let from = 0;
      for (const end of ends) {
        found.push(...reader.push(stream.subarray(from, end)));
        from = end;
      }
      assert.deepEqual(found, lines);
    }),
  );
});

test('an endless line is refused before it is kept', () => {
  const reader = new LineReader();
  const chunk = Buffer.alloc(64 * 1024, 0x61);
  assert.throws(() => {
    for (let sizeBytes = 0; sizeBytes <= RPC_LINE_MAX_BYTES; sizeBytes += chunk.length) reader.push(chunk);
  }, MalformedError);
});
