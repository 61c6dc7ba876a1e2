/**
 * QR codes as terminal text: half blocks, two modules to a character, light on dark with a quiet border. So it needs no
 * colours and can be piped. Phones read it from a dark terminal; from a light one some do not.
 */

import { encodeQR } from 'qr';

/** Light modules around the code. The standard asks for four; two are enough on a screen, and fit 80 columns. */
const BORDER = 2;

/** The code of `text` (at most 2,953 bytes of UTF-8, else Error), lines with "\n" between and behind. */
export function qrText(text: string): string {
  // 'low': the text is long, and a screen has no scratches
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: BORDER });
  const lines: string[] = [];
  for (let y = 0; y < rows.length; y += 2) {
    const [upper = [], lower] = [rows[y], rows[y + 1]];
    lines.push(upper.map((dark, x) => block(!dark, lower !== undefined && lower[x] === false)).join(''));
  }
  return `${lines.join('\n')}\n`;
}

function block(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
