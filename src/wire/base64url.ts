/**
 * base64url without padding (RFC 4648, section 5), strict: bits behind the last byte are zero, so bytes have one text.
 * The platform's own decoders are either lenient or too new.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const VALUES: ReadonlyMap<string, number> = new Map(Array.from(ALPHABET, (digit, value) => [digit, value]));

export function encodeBase64url(bytes: Uint8Array): string {
  let text = '';
  let pending = 0;
  let bits = 0;
  for (const byte of bytes) {
    pending = ((pending & 0x3f) << 8) | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += ALPHABET[(pending >>> (bits - 6)) & 0x3f];
  }
  return bits === 0 ? text : text + ALPHABET[(pending << (6 - bits)) & 0x3f];
}

/** Bytes of a text, or null where it is no base64url or not the one text of its bytes. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (const digit of text) {
    const value = VALUES.get(digit);
    if (value === undefined) return null;
    pending = ((pending << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = pending >>> bits;
  }
  // six bits over: a digit too many
  if (bits >= 6 || (pending & ((1 << bits) - 1)) !== 0) return null;
  return bytes;
}
