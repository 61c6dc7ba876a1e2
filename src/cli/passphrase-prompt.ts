/**
 * Where a passphrase comes from: the file that was named, systemd's credential `kith-passphrase`
 * (systemd.exec(5), LoadCredential), else the person at the terminal, who is not shown what they type. Never an
 * argument or the environment: others on the machine can read those.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { diskError } from '../safety/disk.ts';
import { KithError } from '../safety/errors.ts';
import type { Context } from './context.ts';

const CREDENTIAL = 'kith-passphrase';
/** Fewer characters are guessed in hours even behind Argon2id. */
const MIN_CHARACTERS = 8;

export interface PassphraseOptions {
  readonly passphraseFile?: string;
}

/** The passphrase that exists already. Throws PASSPHRASE_NEEDED when there is nobody to ask. */
export async function askPassphrase(context: Context, options: PassphraseOptions): Promise<string> {
  return (await givenPassphrase(context, options)) ?? (await typed(context, 'Passphrase: '));
}

/** The first line of the file or credential; null where there is neither. */
async function givenPassphrase(
  { env }: Context,
  { passphraseFile }: PassphraseOptions,
): Promise<string | null> {
  const credentials = env['CREDENTIALS_DIRECTORY'];
  if (passphraseFile !== undefined) return firstLine(passphraseFile);
  if (credentials === undefined) return null;
  return firstLine(join(credentials, CREDENTIAL)).catch(() => null);
}

/** A new one, typed twice. Throws PASSPHRASE_WEAK, PASSPHRASES_DIFFER. */
export async function newPassphrase(context: Context, options: PassphraseOptions): Promise<string> {
  const given = await givenPassphrase(context, options);
  const first = given ?? (await typed(context, 'New passphrase: '));
  if (first.length < MIN_CHARACTERS) {
    throw new KithError('PASSPHRASE_WEAK', `a passphrase has at least ${MIN_CHARACTERS} characters`, {
      hint: 'Take several words that nobody would put together.',
    });
  }
  if (given === null && (await typed(context, 'The same again:  ')) !== first) {
    throw new KithError('PASSPHRASES_DIFFER', 'the two are not the same', {
      hint: 'Try again; nothing was changed.',
    });
  }
  return first;
}

/** Waits for a line from the terminal without showing it. */
async function typed({ signal }: Context, question: string): Promise<string> {
  if (process.stdin.isTTY !== true) {
    throw new KithError('PASSPHRASE_NEEDED', 'this needs a passphrase, and there is no terminal to ask', {
      hint: 'Give a file that holds it: --passphrase-file FILE.',
    });
  }
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question('', { signal });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

async function firstLine(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    return text.split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw diskError('reading the passphrase file', error);
  }
}
