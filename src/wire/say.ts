/**
 * `/kith/say/1`: one message, any size, over a raw channel. See docs/wire.md.
 *
 * The dialer sends the content and ends its direction. The listener answers with one receipt of 42 bytes:
 * version 1, status 1, size 8 (big-endian), SHA-256 of the content 32. `written` is only said after the content
 * is durably on the listener's disk; any other status may come early, while the dialer is still sending.
 */

import { concat, copyOf } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

export const SAY_PROTOCOL = '/kith/say/1';

/** Size of an encoded receipt, bytes. */
export const SAY_RECEIPT_BYTES = 42;

const VERSION = 1;
const DIGEST_BYTES = 32;

/** What became of the content, in the order of their byte values. */
export const SAY_STATUSES = ['written', 'too-large', 'inbox-full', 'disk-full', 'failed'] as const;
export type SayStatus = (typeof SAY_STATUSES)[number];

export interface SayReceipt {
  readonly status: SayStatus;
  /** Bytes the listener received. */
  readonly sizeBytes: number;
  /** SHA-256 of what was written; zeros unless `written`. */
  readonly digest: Uint8Array;
}

export function encodeSayReceipt(receipt: SayReceipt): Uint8Array {
  if (!Number.isSafeInteger(receipt.sizeBytes) || receipt.sizeBytes < 0) throw new RangeError('size');
  if (receipt.digest.length !== DIGEST_BYTES) throw new RangeError('digest');
  const head = new Uint8Array(SAY_RECEIPT_BYTES - DIGEST_BYTES);
  head[0] = VERSION;
  head[1] = SAY_STATUSES.indexOf(receipt.status);
  new DataView(head.buffer).setBigUint64(2, BigInt(receipt.sizeBytes));
  return concat(head, receipt.digest);
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeSayReceipt(bytes: Uint8Array): SayReceipt {
  if (bytes.length !== SAY_RECEIPT_BYTES) {
    throw new MalformedError('say-receipt', 'wrong length', { sizeBytes: bytes.length });
  }
  if (bytes[0] !== VERSION) throw new MalformedError('say-receipt', 'unknown version');
  const status = SAY_STATUSES[bytes[1] as number];
  if (status === undefined) throw new MalformedError('say-receipt', 'unknown status');
  const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(2);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedError('say-receipt', 'impossible size');
  const digest = copyOf(bytes, 2 + 8);
  if (status !== 'written' && digest.some((byte) => byte !== 0)) {
    throw new MalformedError('say-receipt', 'a digest without a written message');
  }
  return { status, sizeBytes: Number(size), digest };
}
