/**
 * testnet.json: what others need to join, watch and stop a network. Written once, when it is ready, into its
 * directory (mode 0700), and gone with it. It is read strictly, because a client's tor does what it says: a file
 * that says anything else, or that somebody else could have written, is refused.
 */

import { constants, type Stats } from 'node:fs';
import { open, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError } from '../safety/errors.ts';
import { TestnetError } from './errors.ts';
import { MAX_RECORD_BYTES } from './limits.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { isClientLine } from './torrc.ts';

const FILE = 'testnet.json';
const FORMAT = 'testnet-record';

export interface TestnetRecord {
  readonly version: 1;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Milliseconds from the call of startTestnet to ready. */
  readonly tookMs: number;
  /** The process that called startTestnet; the network ends with it. */
  readonly owner: ProcessIdentity;
  /** The shell that cleans up; SIGTERM to it ends the network. */
  readonly reaper: ProcessIdentity;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly clientConfig: readonly string[];
}

/** Writes the record so that a reader sees all of it or nothing. */
export async function writeRecord(dir: string, record: TestnetRecord): Promise<void> {
  const file = join(dir, FILE);
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/**
 * The record in `dir`, null when there is none. Throws MalformedError when it is something else, TestnetError
 * TESTNET_UNSAFE when others than the user of this process own it or its directory or may write to them.
 */
export async function readRecord(dir: string): Promise<TestnetRecord | null> {
  const buffer = new Uint8Array(MAX_RECORD_BYTES + 1); // one more, to notice a longer file
  try {
    const directory = await stat(dir);
    if (!directory.isDirectory() || !isOurs(directory)) throw unsafe();
    // not blocking: a pipe in its place would never open
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(join(dir, FILE), flags);
    const found = await file.stat();
    if (!found.isFile() || !isOurs(found)) throw unsafe();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return decodeRecord(buffer.subarray(0, bytesRead));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw code === 'ELOOP' ? unsafe(error) : error;
  }
}

function isOurs({ uid, mode }: Stats): boolean {
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}

function unsafe(cause?: unknown): TestnetError {
  return new TestnetError(
    'TESTNET_UNSAFE',
    'somebody else could have written the record of that test network',
    {
      hint: 'Name a directory that is yours and that only you can write to, or start a network of your own.',
      cause,
    },
  );
}

/** Throws only MalformedError. */
export function decodeRecord(bytes: Uint8Array): TestnetRecord {
  if (bytes.length > MAX_RECORD_BYTES) throw new MalformedError(FORMAT, 'too large');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new MalformedError(FORMAT, 'not JSON');
  }
  const record = value as TestnetRecord | null;
  const sound =
    typeof record === 'object' &&
    record !== null &&
    record.version === 1 &&
    typeof record.startedAt === 'string' &&
    typeof record.tookMs === 'number' &&
    isIdentity(record.owner) &&
    isIdentity(record.reaper) &&
    isListOf(
      record.processes,
      (one) => typeof one === 'object' && one !== null && isPid((one as { pid?: unknown }).pid),
    ) &&
    isListOf(record.clientConfig, (line) => typeof line === 'string' && isClientLine(line));
  if (!sound) throw new MalformedError(FORMAT, 'a field is missing or says something else');
  return record;
}

function isListOf(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isElement);
}

function isPid(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 1;
}

function isIdentity(value: unknown): boolean {
  const { pid, started } = (value ?? {}) as { pid?: unknown; started?: unknown };
  return isPid(pid) && typeof started === 'string';
}
