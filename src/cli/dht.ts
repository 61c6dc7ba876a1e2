/** `kith dht put`: leaves a sealed slot in the DHT. `kith dht get`: fetches and opens one. Both through a scout. */

import { DhtError } from '../dht/errors.ts';
import { SLOT_TTL_MS } from '../dht/limits.ts';
import { decodeSlotReference, SEALED_SLOT_MAX_BYTES } from '../dht/sealed-slot.ts';
import type { GotSlot, PutSlot } from '../node/face.ts';
import { concat } from '../safety/bytes.ts';
import { KithError } from '../safety/errors.ts';
import { type Content, contentOf } from './content.ts';
import type { Context } from './context.ts';
import { withNode } from './node-client.ts';
import { duration } from './output.ts';

const HOUR_MS = 3_600_000;
const MAX_HOURS = SLOT_TTL_MS / HOUR_MS;

/** While it is under way. */
const ASKING = ['asking', {}, 'A scout is on its way through Tor…'] as const;

export interface DhtPutOptions {
  /** How long it lasts, hours. */
  readonly hours?: string;
}

export async function dhtPut(
  context: Context,
  text: string | undefined,
  { hours }: DhtPutOptions,
): Promise<void> {
  const { output } = context;
  const lasting = hours === undefined ? {} : { ttlMs: hoursArgument(hours) * HOUR_MS };
  const content = contentOf(text, context, nothingToPut);
  await withNode(context, async (client) => {
    const data = Buffer.from(await whole(content)).toString('base64');
    output.progress(...ASKING);
    const put = (await client.call('dht.put', { data, ...lasting })) as unknown as PutSlot;
    const { reference, expiry, holders, tookMs } = put;
    const expiresAt = timeOf(expiry);
    const kept = `${holders === 1 ? '1 node keeps' : `${holders} nodes keep`} it until ${expiresAt}`;
    output.result(
      'put',
      { reference, holders, expiresAt, tookMs },
      `Put: ${kept} (${duration(tookMs)}). Whoever has this line can read it:\n${reference}`,
    );
  });
}

export async function dhtGet(context: Context, reference: string): Promise<void> {
  const { output } = context;
  const checked = referenceArgument(reference);
  await withNode(context, async (client) => {
    output.progress(...ASKING);
    const got = (await client.call('dht.get', { reference: checked })) as unknown as Omit<
      GotSlot,
      'content'
    > & { readonly data: string };
    const { data, expiry, answers, conflicts, tookMs } = got;
    const content = Buffer.from(data, 'base64');
    output.content(
      'got',
      { data, sizeBytes: content.length, expiresAt: timeOf(expiry), answers, conflicts, tookMs },
      content,
    );
    if (conflicts > 0) output.warning('Its writer signed something else under the same number too.');
  });
}

function timeOf(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString();
}

/** All of it. Throws TOO_LONG as soon as it does not fit. */
async function whole(content: Content): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of content) {
    sizeBytes += piece.length;
    if (sizeBytes > SEALED_SLOT_MAX_BYTES) throw new DhtError('TOO_LONG');
    pieces.push(piece);
  }
  return concat(...pieces);
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

function hoursArgument(given: string): number {
  const hours = Number(given);
  if (/^[0-9]+$/.test(given) && hours >= 1 && hours <= MAX_HOURS) return hours;
  throw new KithError('BAD_HOURS', 'that is no number of hours a slot can last', {
    hint: `Give a whole number, 1 to ${MAX_HOURS} (14 days).`,
  });
}

function nothingToPut(): KithError {
  return new KithError('NOTHING_TO_PUT', 'there is nothing to put', {
    hint: 'Give a text, pipe a file in (kith dht put < file), or use - to type until Ctrl-D.',
  });
}
