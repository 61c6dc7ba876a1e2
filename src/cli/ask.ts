/** One question on a terminal. */

import { createInterface } from 'node:readline/promises';

/** Whether a person said yes. False where there is no terminal to ask on, so that a script never agrees by accident. */
export async function confirmed(question: string, signal: AbortSignal): Promise<boolean> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    lines.close();
  }
}
