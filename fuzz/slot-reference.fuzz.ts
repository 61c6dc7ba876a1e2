/** Every accepted reference is canonical: written out again it is the same text. */

import { decodeSlotReference, encodeSlotReference } from '../src/dht/sealed-slot.ts';
import { MalformedError } from '../src/safety/errors.ts';

const decoder = new TextDecoder();

export function fuzz(data: Uint8Array): void {
  const text = decoder.decode(data);
  try {
    if (encodeSlotReference(decodeSlotReference(text)) !== text)
      throw new Error('accepted a second spelling');
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
