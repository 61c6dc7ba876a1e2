/** Every accepted record survives being written and read again, and configures nothing but the joining of a network. */

import { utf8 } from '../src/safety/bytes.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeRecord } from '../src/testnet/record.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const record = decodeRecord(data);
    for (const line of record.clientConfig) {
      if (!/^(?:TestingTorNetwork "1"|DirAuthority "[\w=.: -]+")$/.test(line)) {
        throw new Error('a client would be configured in another way');
      }
    }
    const again = decodeRecord(utf8(JSON.stringify(record)));
    if (JSON.stringify(again) !== JSON.stringify(record)) throw new Error('not the same after a round trip');
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
