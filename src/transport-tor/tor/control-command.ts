/**
 * Writes commands for tor's control connection. The one place that puts text between spaces and quotes, so that
 * no argument can end its line and begin another command (control-spec sections 2.1 and 2.2).
 */

/** An argument that came out of {@link quoted}; anything else is checked as a bare word. */
export interface QuotedWord {
  readonly quoted: string;
}

/** `text` as a quoted string. Throws RangeError on control characters and on anything outside ASCII. */
export function quoted(text: string): QuotedWord {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new RangeError('a control argument must be printable ASCII');
  return { quoted: `"${text.replace(/[\\"]/g, '\\$&')}"` };
}

/** One command line with its CR LF. Throws RangeError when a word would change its shape. */
export function encodeCommand(keyword: string, words: readonly (string | QuotedWord)[] = []): string {
  const parts = [keyword, ...words].map((word) => {
    if (typeof word !== 'string') return word.quoted;
    if (!/^[\x21-\x7e]+$/.test(word) || word.includes('"')) {
      throw new RangeError('a control word must be printable ASCII without spaces or quotes');
    }
    return word;
  });
  return `${parts.join(' ')}\r\n`;
}

/**
 * Splits `KEY=value KEY="quoted value" word` as tor writes it, one character of `text` a byte. Words without `=`
 * are left out. Quoted values are UTF-8 behind their escapes; what is not becomes U+FFFD.
 */
export function keyValues(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of text.matchAll(/(?:^| )([A-Za-z0-9_/-]+)=(?:"((?:[^"\\]|\\.)*)"|([^ ]*))/g)) {
    const value = match[2] === undefined ? (match[3] ?? '') : unquoted(match[2]);
    if (!found.has(match[1] as string)) found.set(match[1] as string, value);
  }
  return found;
}

const LETTER_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** The inside of a C-style quoted string (control-spec 2.1.1): tor escapes each byte outside ASCII as `\ooo`. */
function unquoted(inside: string): string {
  const bytes = inside.replace(/\\(?:([0-3][0-7]{2})|(.))/g, (_all, octal?: string, char = '') =>
    octal === undefined ? (LETTER_ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
}
