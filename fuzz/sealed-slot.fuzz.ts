/** Any plaintext under a right seal is read whole or refused as malformed, and reads as what its length says. */

import { openSlot } from '../src/dht/sealed-slot.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';

const reference = { pk: new Uint8Array(32).fill(1), key: new Uint8Array(32).fill(2) };
const nonce = new Uint8Array(12);

export function fuzz(data: Uint8Array): void {
  const plaintext = new Uint8Array(data.length > 496 ? 4080 : 496);
  plaintext.set(data.subarray(0, plaintext.length));
  const ciphertext = nodeProvider.chaCha20Poly1305.seal(reference.key, nonce, reference.pk, plaintext);
  try {
    const content = openSlot({ ciphertext }, reference);
    const length = ((plaintext[0] as number) << 8) | (plaintext[1] as number);
    if (content.length !== length) throw new Error('another length than the plaintext says');
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
