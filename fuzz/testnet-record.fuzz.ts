/** Every accepted record survives being written and read again. */

import { utf8 } from '../src/safety/bytes.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeRecord } from '../src/testnet/record.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const record = decodeRecord(data);
    const again = decodeRecord(utf8(JSON.stringify(record)));
    if (JSON.stringify(again) !== JSON.stringify(record)) throw new Error('not the same after a round trip');
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
