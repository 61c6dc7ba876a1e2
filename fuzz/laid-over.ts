/** Inputs for formats of one large size: a pattern over a valid message, so that more is tried than its length. */

/** `valid`, changed from the place on that the first two bytes of `pattern` name, by XOR with the rest. */
export function laidOver(valid: Uint8Array, pattern: Uint8Array): Uint8Array<ArrayBuffer> {
  const [high = 0, low = 0] = pattern;
  const bytes = Uint8Array.from(valid);
  for (const [i, byte] of pattern.subarray(2).entries()) {
    const at = (high * 256 + low + i) % bytes.length;
    bytes[at] = (bytes[at] as number) ^ byte;
  }
  return bytes;
}
