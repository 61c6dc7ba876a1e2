/** However the bytes arrive, the answer is the same: every prefix is either incomplete or gives that answer. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeSocksReply, type SocksReply } from '../src/transport-tor/socks5-reply.ts';

/** Two answers of 2 bytes, a head of 4, a domain of 256 and a port of 2. */
const LONGEST_ANSWER_BYTES = 266;

export function fuzz(data: Uint8Array): void {
  const whole = read(data);
  for (let end = 0; end < Math.min(data.length, LONGEST_ANSWER_BYTES); end++) {
    const part = read(data.subarray(0, end));
    if (isPending(part)) continue;
    assert.deepEqual(part, whole, 'a prefix gave another answer');
    if (part !== 'malformed' && 'length' in part) assert.ok(part.length <= end, 'an answer beyond its bytes');
    // longer prefixes begin with this one
    break;
  }
  if (data.length >= LONGEST_ANSWER_BYTES)
    assert.ok(!isPending(whole), 'waits for more than an answer holds');
}

function read(bytes: Uint8Array): SocksReply | 'malformed' {
  try {
    return decodeSocksReply(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return 'malformed';
    throw error;
  }
}

function isPending(answer: SocksReply | 'malformed'): boolean {
  return answer !== 'malformed' && answer.kind === 'pending';
}
