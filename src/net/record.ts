/**
 * Records: what travels after the handshake. Each is one frame with one Noise transport message, whose plaintext is
 * a type byte and data:
 *
 *     0 data    1 to 65,518 bytes
 *     1 end     1 byte, why: 0 done, 1 protocol unknown, 2 busy. The last record of its direction.
 *     2 rekey   nothing. The next record is under the next key (Noise section 11.3).
 *
 * The end is a record because a lost connection must not look like one, and because Tor cannot half-close a stream.
 * The sender decides when to rekey and the receiver refuses one who never does. Lengths are visible to the network
 * (tor pads them into cells); the type is not.
 */

import type { CipherState } from '../kem/cipher-state.ts';
import { MalformedError } from '../safety/errors.ts';
import { encodeFrame, frameHeader, MAX_FRAME_BYTES } from '../wire/frame.ts';
import { ChannelError } from './errors.ts';
import {
  MAX_RECORD_DATA_BYTES,
  REKEY_BYTES,
  REKEY_INTERVAL_MS,
  REKEY_RECORDS,
  REKEY_TOLERANCE,
} from './limits.ts';

const DATA = 0;
const END = 1;
const REKEY = 2;
/** Up to here copying a record behind its header is cheaper than sending two pieces. */
const COPY_BYTES = 4096;
const NOTHING = new Uint8Array(0);
const TYPES = [Uint8Array.of(DATA), Uint8Array.of(END), Uint8Array.of(REKEY)] as const;

/** Shortest frame of a record: a rekey record, type and tag. */
export const MIN_RECORD_BYTES = 1 + 16;
/** Longest frame of a record. */
export const MAX_RECORD_BYTES = MAX_FRAME_BYTES;

export type EndReason = 'done' | 'protocol-unknown' | 'busy';
const END_REASONS: readonly EndReason[] = ['done', 'protocol-unknown', 'busy'];

/** When a key is replaced. */
export interface RekeyLimits {
  readonly records: number;
  readonly bytes: number;
  readonly intervalMs: number;
}

export const REKEY_LIMITS: RekeyLimits = {
  records: REKEY_RECORDS,
  bytes: REKEY_BYTES,
  intervalMs: REKEY_INTERVAL_MS,
};

/** Our direction: turns data into framed records. */
export class RecordSealer {
  readonly #cipher: CipherState;
  readonly #now: () => number;
  readonly #limits: RekeyLimits;
  #keyedAt: number;
  #records = 0;
  #bytes = 0;

  /** `now` is monotonic, in milliseconds. */
  constructor(cipher: CipherState, now: () => number, limits: RekeyLimits = REKEY_LIMITS) {
    this.#cipher = cipher;
    this.#now = now;
    this.#limits = limits;
    this.#keyedAt = now();
  }

  /**
   * One data record (1 to 65,518 bytes), with a rekey record in front of it where one is due, as pieces to be sent in
   * this order: all of them, or the peer is lost.
   */
  data(bytes: Uint8Array): readonly Uint8Array[] {
    if (bytes.length === 0 || bytes.length > MAX_RECORD_DATA_BYTES) {
      throw new RangeError('a data record holds 1 to 65518 bytes');
    }
    const rekey = this.#rekeyDue() ? [this.#rekey()] : [];
    this.#records++;
    this.#bytes += bytes.length;
    if (bytes.length <= COPY_BYTES) return [...rekey, this.#seal(DATA, bytes)];
    const sealed = this.#cipher.encrypt(NOTHING, TYPES[DATA], bytes);
    return [...rekey, frameHeader(sealed.length), sealed];
  }

  /** The end record. Nothing may follow. */
  end(reason: EndReason): Uint8Array {
    const frame = this.#seal(END, Uint8Array.of(END_REASONS.indexOf(reason)));
    this.#cipher.erase();
    return frame;
  }

  #rekeyDue(): boolean {
    if (this.#records === 0) return false;
    const { records, bytes, intervalMs } = this.#limits;
    return this.#records >= records || this.#bytes >= bytes || this.#now() - this.#keyedAt >= intervalMs;
  }

  #rekey(): Uint8Array {
    const frame = this.#seal(REKEY, NOTHING);
    this.#cipher.rekey();
    this.#records = 0;
    this.#bytes = 0;
    this.#keyedAt = this.#now();
    return frame;
  }

  #seal(type: 0 | 1 | 2, data: Uint8Array): Uint8Array {
    return encodeFrame(this.#cipher.encrypt(NOTHING, TYPES[type], data));
  }
}

/** What a record says. A rekey is dealt with inside. */
export type OpenedRecord =
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'end'; readonly reason: EndReason }
  | { readonly type: 'rekey' };

/** The other direction: total over whatever bytes come. */
export class RecordOpener {
  readonly #cipher: CipherState;
  readonly #limits: RekeyLimits;
  #records = 0;
  #bytes = 0;
  #ended = false;

  constructor(cipher: CipherState, limits: RekeyLimits = REKEY_LIMITS) {
    this.#cipher = cipher;
    this.#limits = limits;
  }

  /** Throws CryptoError on a forged record and MalformedError on an authentic one against the protocol. */
  open(ciphertext: Uint8Array): OpenedRecord {
    if (this.#ended) throw malformed('a record came after the end');
    const plaintext = this.#cipher.decrypt(NOTHING, ciphertext);
    const data = plaintext.subarray(1);
    switch (plaintext[0]) {
      case DATA:
        return this.#data(data);
      case END:
        return this.#end(data);
      case REKEY:
        return this.#rekey(data);
      default:
        throw malformed('a record has no known type');
    }
  }

  #data(data: Uint8Array): OpenedRecord {
    if (data.length === 0) throw malformed('a data record is empty');
    this.#records++;
    this.#bytes += data.length;
    const { records, bytes } = this.#limits;
    if (this.#records > records * REKEY_TOLERANCE || this.#bytes > bytes * REKEY_TOLERANCE) {
      throw malformed('the peer does not replace its key');
    }
    return { type: 'data', data };
  }

  #end(data: Uint8Array): OpenedRecord {
    const reason = data.length === 1 ? END_REASONS[data[0] as number] : undefined;
    if (reason === undefined) throw malformed('an end record has no known reason');
    this.#ended = true;
    this.#cipher.erase();
    return { type: 'end', reason };
  }

  #rekey(data: Uint8Array): OpenedRecord {
    if (data.length !== 0) throw malformed('a rekey record has data');
    // one without use of the key before it is only a way to make us work
    if (this.#records === 0) throw malformed('a rekey record follows no data');
    this.#cipher.rekey();
    this.#records = 0;
    this.#bytes = 0;
    return { type: 'rekey' };
  }
}

function malformed(what: string): MalformedError {
  return new MalformedError('record', what);
}

/** The error that a peer's end reason means for the reader; undefined for a regular end. */
export function refusalOf(reason: EndReason): ChannelError | undefined {
  if (reason === 'protocol-unknown') return new ChannelError('PROTOCOL_UNKNOWN');
  if (reason === 'busy') return new ChannelError('BUSY');
  return undefined;
}
