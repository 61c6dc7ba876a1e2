/** `kith dht put`: leaves a sealed slot in the DHT. `kith dht get`: fetches and opens one. Both through a scout. */

import { DhtError } from '../dht/errors.ts';
import { decodeSlotReference, SEALED_SLOT_MAX_BYTES } from '../dht/sealed-slot.ts';
import { concat, utf8 } from '../safety/bytes.ts';
import { KithError } from '../safety/errors.ts';
import type { Context } from './context.ts';
import { connectNode } from './node-client.ts';
import { duration, harmless } from './output.ts';

const HOUR_MS = 3_600_000;

export interface DhtPutOptions {
  /** How long it lasts, hours. */
  readonly hours?: string;
}

export async function dhtPut(
  context: Context,
  given: string | undefined,
  { hours }: DhtPutOptions,
): Promise<void> {
  const ttlMs = hours === undefined ? undefined : hoursOf(hours) * HOUR_MS;
  const content = given === undefined || given === '-' ? await standardInput() : utf8(given);
  await called(context, 'dht.put', {
    data: Buffer.from(content).toString('base64'),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  }).then((put) => {
    const { reference, expiry, holders, tookMs } = put as Record<'reference', string> &
      Record<'expiry' | 'holders' | 'tookMs', number>;
    const expiresAt = new Date(expiry * 1000).toISOString();
    context.output.result(
      'put',
      { reference, holders, expiresAt, tookMs },
      `Put: ${holders} nodes keep it until ${expiresAt} (${duration(tookMs)}). Whoever has this line can read it:\n${reference}`,
    );
  });
}

export async function dhtGet(context: Context, reference: string): Promise<void> {
  const checked = referenceArgument(reference);
  const got = (await called(context, 'dht.get', { reference: checked })) as Record<'data', string> &
    Record<'expiry' | 'answers' | 'conflicts' | 'tookMs', number>;
  const { data, expiry, answers, conflicts, tookMs } = got;
  const content = Buffer.from(data, 'base64');
  const expiresAt = new Date(expiry * 1000).toISOString();
  const doubt = conflicts === 0 ? '' : '\nIts writer signed something else under the same number too.';
  context.output.result(
    'got',
    { data, sizeBytes: content.length, expiresAt, answers, conflicts, tookMs },
    `${harmless(content.toString('utf8'))}${doubt}`,
  );
}

/** One call that takes its time and ends when the person does. */
async function called(
  { output, dataDir, signal }: Context,
  method: string,
  params: Readonly<Record<string, string | number>>,
): Promise<unknown> {
  const { client } = await connectNode(dataDir);
  const stop = (): void => client.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    output.progress('asking', {}, 'A scout is on its way through Tor…');
    return await client.call(method, params);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new KithError('STOPPED', 'stopped before it was done', { hint: 'Run the command again.' });
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
}

function referenceArgument(given: string): string {
  const reference = given.trim();
  try {
    decodeSlotReference(reference);
    return reference;
  } catch (cause) {
    throw new KithError('BAD_REFERENCE', 'that is no slot reference', {
      hint: 'Give the whole line that `kith dht put` printed: kith-slot: and 86 characters.',
      cause,
    });
  }
}

function hoursOf(given: string): number {
  const hours = Number(given);
  if (/^[0-9]{1,4}$/.test(given) && hours >= 1) return hours;
  throw new KithError('BAD_HOURS', 'that is no number of hours', {
    hint: 'Give a whole number, 1 to 336 (14 days).',
  });
}

async function standardInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY === true) {
    throw new KithError('NOTHING_TO_PUT', 'there is nothing to put', {
      hint: 'Give a text, or pipe a file in: kith dht put < file',
    });
  }
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of process.stdin as AsyncIterable<Uint8Array>) {
    sizeBytes += piece.length;
    if (sizeBytes > SEALED_SLOT_MAX_BYTES) {
      throw new DhtError('TOO_LONG');
    }
    pieces.push(piece);
  }
  return concat(...pieces);
}
