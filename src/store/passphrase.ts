/**
 * From a passphrase to a key: Argon2id (RFC 9106) over its NFC form in UTF-8. What it costs stands beside what it
 * opens, so that later versions can ask for more; a file that asks for absurd amounts is refused before anything is
 * computed (`decodeCost`).
 *
 * Erased as well as JavaScript can: the string that a face hands in cannot be.
 */

import { argon2 } from 'node:crypto';
import { utf8, wipe } from '../safety/bytes.ts';
import type { FieldReader, FieldWriter } from '../wire/fields.ts';
import { passphraseRefused } from './key-errors.ts';
import { MAX_ARGON2_KIB, MAX_ARGON2_LANES, MAX_ARGON2_PASSES, MAX_PASSPHRASE_BYTES } from './limits.ts';

export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** The second recommended option of RFC 9106, section 4: about 0.2 s, and 64 MiB for as long. */
export const PASSPHRASE_COST: Argon2Cost = { memoryKib: 65_536, passes: 3, lanes: 4 };

/** Bytes of a salt. */
export const SALT_BYTES = 16;

/** 32 bytes, the caller's to wipe. Throws StoreError PASSPHRASE_REFUSED for one that is empty or too long. */
export async function passphraseKey(
  passphrase: string,
  salt: Uint8Array,
  { memoryKib, passes, lanes }: Argon2Cost,
): Promise<Uint8Array> {
  const message = utf8(passphrase.normalize('NFC'));
  if (message.length === 0 || message.length > MAX_PASSPHRASE_BYTES)
    throw passphraseRefused(MAX_PASSPHRASE_BYTES);
  const parameters = { message, nonce: salt, parallelism: lanes, tagLength: 32, memory: memoryKib, passes };
  try {
    return await new Promise((resolve, reject) => {
      argon2('argon2id', parameters, (error, key) => {
        if (error === null) resolve(new Uint8Array(key.buffer, key.byteOffset, key.length));
        else reject(error);
      });
    });
  } finally {
    wipe(message);
  }
}

/** 6 bytes: memory in KiB (4), passes (1), lanes (1). */
export function encodeCost(writer: FieldWriter, { memoryKib, passes, lanes }: Argon2Cost): FieldWriter {
  return writer.u32(memoryKib).u8(passes).u8(lanes);
}

/** Throws MalformedError for what Argon2 does not take, and for more than the limits. */
export function decodeCost(reader: FieldReader): Argon2Cost {
  const cost = { memoryKib: reader.u32(), passes: reader.u8(), lanes: reader.u8() };
  if (cost.passes < 1 || cost.passes > MAX_ARGON2_PASSES) reader.refuse('passes of Argon2');
  if (cost.lanes < 1 || cost.lanes > MAX_ARGON2_LANES) reader.refuse('lanes of Argon2');
  if (cost.memoryKib < 8 * cost.lanes || cost.memoryKib > MAX_ARGON2_KIB) reader.refuse('memory of Argon2');
  return cost;
}
