/**
 * Records after the handshake. An even first byte: the rest is what comes from the network, which is never authentic.
 * An odd one: the rest is a script of plaintexts (length, bytes) that a peer with the key seals, so that the decoder
 * behind the encryption is reached.
 */

import assert from 'node:assert/strict';
import { CipherState } from '../src/kem/cipher-state.ts';
import { KemError } from '../src/kem/errors.ts';
import { RecordOpener, RecordSealer } from '../src/net/record.ts';
import { CryptoError } from '../src/safety/crypto/provider.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';

const NOTHING = new Uint8Array(0);
const LIMITS = { records: 8, bytes: 64, intervalMs: 1 };
const cipher = (): CipherState => new CipherState(nodeProvider.chaCha20Poly1305, new Uint8Array(32).fill(1));

function typed(error: unknown): boolean {
  return error instanceof CryptoError || error instanceof MalformedError || error instanceof KemError;
}

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const rest = data.subarray(1);
  const opener = new RecordOpener(cipher(), LIMITS);
  if (mode % 2 === 0) {
    assert.throws(() => opener.open(rest), CryptoError);
    roundTrip(rest);
    return;
  }
  const peer = cipher();
  try {
    for (let at = 0; at < rest.length; ) {
      const end = at + 1 + (rest[at] as number);
      const opened = opener.open(peer.encrypt(NOTHING, rest.subarray(at + 1, end)));
      if (opened.type === 'rekey') peer.rekey();
      if (opened.type === 'data') assert.ok(opened.data.length > 0);
      at = end;
    }
  } catch (error) {
    if (!typed(error)) throw error;
  }
}

/** Data of any size comes out as it went in, through rekeys. */
function roundTrip(data: Uint8Array): void {
  if (data.length === 0) return;
  let now = 0;
  const [sealer, opener] = [
    new RecordSealer(cipher(), () => now++, LIMITS),
    new RecordOpener(cipher(), LIMITS),
  ];
  for (let i = 0; i < 3; i++) {
    const stream = Buffer.concat(sealer.data(data));
    for (let at = 0; at < stream.length; ) {
      const length = stream.readUInt16BE(at);
      if (data.length > 2 * LIMITS.bytes) return;
      const opened = opener.open(stream.subarray(at + 2, at + 2 + length));
      assert.notEqual(opened.type, 'end');
      if (opened.type === 'data') assert.deepEqual(Buffer.from(opened.data), Buffer.from(data));
      at += 2 + length;
    }
  }
}
