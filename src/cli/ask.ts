/** One question on a terminal. */

import { createInterface } from 'node:readline/promises';
import type { Context } from './context.ts';

type Asking = Pick<Context, 'host' | 'signal'>;

/** A line that a person types; null where there is no terminal to ask on. */
export async function asked(question: string, { host, signal }: Asking): Promise<string | null> {
  if (host.stdin.isTTY !== true || host.stderr.isTTY !== true) return null;
  const lines = createInterface({ input: host.stdin, output: host.stderr });
  try {
    return await lines.question(question, { signal });
  } finally {
    lines.close();
  }
}

/** Whether a person said yes. False where there is no terminal to ask on, so that a script never agrees by accident. */
export async function confirmed(question: string, asking: Asking): Promise<boolean> {
  return /^y(es)?$/i.test((await asked(`${question} [y/N] `, asking))?.trim() ?? '');
}
