/**
 * testnet.json: what others need to join, watch and stop a network. Written once, when it is ready, into its
 * directory (mode 0700), and gone with it. It is read strictly: a file that says anything else is refused.
 */

import { open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError } from '../safety/errors.ts';
import { MAX_RECORD_BYTES } from './limits.ts';
import type { ProcessIdentity } from './process-identity.ts';

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

/** The record in `dir`, null when there is none. Throws MalformedError when it is something else. */
export async function readRecord(dir: string): Promise<TestnetRecord | null> {
  const buffer = new Uint8Array(MAX_RECORD_BYTES + 1); // one more, to notice a longer file
  try {
    await using file = await open(join(dir, FILE), 'r');
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return decodeRecord(buffer.subarray(0, bytesRead));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
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
    isListOf(record.clientConfig, (line) => typeof line === 'string');
  if (!sound) throw new MalformedError(FORMAT, 'a field is missing or has another type');
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
