/**
 * Where a passphrase comes from: the file that was named, for that of the store systemd's credential `kith-passphrase`
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

/** That of the store as it is. Throws PASSPHRASE_NEEDED when there is nobody to ask. */
export async function askPassphrase(
  context: Context,
  { passphraseFile }: PassphraseOptions,
): Promise<string> {
  const credentials = context.env['CREDENTIALS_DIRECTORY'];
  if (passphraseFile === undefined && credentials !== undefined) {
    const found = await firstLine(join(credentials, CREDENTIAL)).catch(() => null);
    if (found !== null) return found;
  }
  return existingPassphrase(context, { file: passphraseFile, option: '--passphrase-file' }, 'Passphrase: ');
}

/** A file that was named, and the option that names it. */
export interface PassphraseSource {
  readonly file: string | undefined;
  readonly option: string;
}

/** One that exists already, from a file or a person alone. Throws PASSPHRASE_NEEDED when there is nobody to ask. */
export function existingPassphrase(
  context: Context,
  { file, option }: PassphraseSource,
  question: string,
): Promise<string> {
  return file === undefined ? typed(context, question, option) : firstLine(file);
}

/**
 * A new one, from a file or typed twice; the credential is that of the store as it was. Throws PASSPHRASE_WEAK,
 * PASSPHRASES_DIFFER, PASSPHRASE_NEEDED.
 */
export async function newPassphrase(
  context: Context,
  { file, option }: PassphraseSource,
  question = 'New passphrase: ',
): Promise<string> {
  const first = await existingPassphrase(context, { file, option }, question);
  if (first.length < MIN_CHARACTERS) {
    throw new KithError('PASSPHRASE_WEAK', `a passphrase has at least ${MIN_CHARACTERS} characters`, {
      hint: 'Take several words that nobody would put together.',
    });
  }
  if (file === undefined && (await typed(context, 'The same again:  ', option)) !== first) {
    throw new KithError('PASSPHRASES_DIFFER', 'the two are not the same', {
      hint: 'Try again; nothing was changed.',
    });
  }
  return first;
}

/** Waits for a line from the terminal without showing it. */
async function typed({ host, signal }: Context, question: string, option: string): Promise<string> {
  if (host.stdin.isTTY !== true) {
    throw new KithError('PASSPHRASE_NEEDED', 'this needs a passphrase, and there is no terminal to ask', {
      hint: `Give a file that holds it: ${option} FILE.`,
    });
  }
  host.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: host.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question('', { signal });
  } finally {
    lines.close();
    host.stderr.write('\n');
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
