/**
 * base58btc, the text form of libp2p peer ids. Spec: draft-msporny-base58, Bitcoin alphabet.
 * Quadratic in the length, so callers bound the text first; no checksum of its own.
 */

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const BASE = 58n;

export function encodeBase58(bytes: Uint8Array): string {
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++;
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (; value > 0n; value /= BASE) text = (ALPHABET[Number(value % BASE)] as string) + text;
  return '1'.repeat(zeros) + text;
}

/** Bytes of a base58btc text, or undefined where a character is not of the alphabet. */
export function decodeBase58(text: string): Uint8Array | undefined {
  let zeros = 0;
  while (zeros < text.length && text[zeros] === '1') zeros++;
  let value = 0n;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = value * BASE + BigInt(digit);
  }
  const tail: number[] = [];
  for (; value > 0n; value >>= 8n) tail.push(Number(value & 0xffn));
  const bytes = new Uint8Array(zeros + tail.length);
  bytes.set(tail.reverse(), zeros);
  return bytes;
}
