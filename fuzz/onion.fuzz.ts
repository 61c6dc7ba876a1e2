/** Every accepted text is canonical: written out again it is the same text. */

import { MalformedError } from '../src/safety/errors.ts';
import { decodeOnion, decodeOnionMultiaddr, encodeOnionMultiaddr, onionOf } from '../src/wire/onion.ts';

const decoder = new TextDecoder();

export function fuzz(data: Uint8Array): void {
  const text = decoder.decode(data);
  accepted(() => {
    const onion = decodeOnion(text);
    const written = onionOf(onion.publicKey, onion.port);
    const forms = [onion.host, `${onion.host}.onion`, `${onion.host}.onion:${onion.port}`];
    if (written.host !== onion.host || !forms.includes(text)) throw new Error('accepted a second spelling');
  });
  accepted(() => {
    const { onion, peerId } = decodeOnionMultiaddr(text);
    if (encodeOnionMultiaddr(onion, peerId) !== text) throw new Error('accepted a second spelling');
  });
}

function accepted(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
