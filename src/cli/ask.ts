/** One question on a terminal. */

import { createInterface } from 'node:readline/promises';

/** A line that a person types; null where there is no terminal to ask on. */
export async function asked(question: string, signal: AbortSignal): Promise<string | null> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return null;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal });
  } finally {
    lines.close();
  }
}

/** Whether a person said yes. False where there is no terminal to ask on, so that a script never agrees by accident. */
export async function confirmed(question: string, signal: AbortSignal): Promise<boolean> {
  return /^y(es)?$/i.test((await asked(`${question} [y/N] `, signal))?.trim() ?? '');
}
