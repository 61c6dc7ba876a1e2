/** `kith say <onion> [text|-]`: hands a text, a file or standard input to another node's disk. */

import type { RpcClient } from '../local/client.ts';
import { RemoteError } from '../local/errors.ts';
import { SAY_CHUNK_BYTES } from '../local/limits.ts';
import { SayError } from '../say/errors.ts';
import { type Content, contentOf } from './content.ts';
import type { Context } from './context.ts';
import { withNode } from './node-client.ts';
import { ADDRESS_HINTS, onionArgument } from './onion-argument.ts';
import { duration, size } from './output.ts';

export interface SayCommandOptions {
  /** Hide who says it. */
  readonly anonymous?: boolean;
}

/** Progress lines no more often than this, ms. */
const PROGRESS_EVERY_MS = 500;

export async function say(
  context: Context,
  onion: string,
  text: string | undefined,
  { anonymous = false }: SayCommandOptions,
): Promise<void> {
  const { output } = context;
  const { host, port } = onionArgument(onion, 'node'); // a mistyped address fails before the node is asked for anything
  const content = contentOf(text, context, nothingToSay);
  let finishing = false;
  const deliver = async (client: RpcClient): Promise<void> => {
    output.progress('connecting', {}, 'Connecting through Tor…');
    client.onNotification = (_method, { code, message }) =>
      output.progress('retry', { code: String(code) }, `Not yet: ${String(message)}. Trying again…`);
    await client.call('say.open', { onion: `${host}.onion:${port}`, anonymous });
    let sentBytes = 0;
    let shownAt = 0;
    for await (const chunk of chunks(content)) {
      await client.call('say.write', { data: Buffer.from(chunk).toString('base64') });
      sentBytes += chunk.length;
      if (performance.now() - shownAt > PROGRESS_EVERY_MS) {
        shownAt = performance.now();
        output.progress('sending', { sentBytes }, `Sent ${size(sentBytes)}…`);
      }
    }
    finishing = true;
    const { sizeBytes, sha256, tookMs } = (await client.call('say.finish')) as {
      sizeBytes: number;
      sha256: string;
      tookMs: number;
    };
    output.result(
      'delivered',
      { sizeBytes, sha256, tookMs },
      `Delivered: ${size(sizeBytes)} are on the other side's disk (${duration(tookMs)}).`,
    );
  };
  try {
    await withNode(context, deliver, () => stoppedByUser(finishing));
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    if (error.code === 'ONION_AUTH_MISSING') throw letsNobodyIn(error);
    throw error.code === 'PROTOCOL_UNKNOWN' ? takesNothing(error) : error;
  }
}

/** As the overlay addresses of nodes do, which people see beside the right ones. */
function takesNothing(cause: RemoteError): SayError {
  return new SayError('SAY_ADDRESS', 'that address answers, but takes no messages', {
    hint: ADDRESS_HINTS.node,
    cause,
  });
}

/** As the homes of friends do for all who have no key of their own. */
function letsNobodyIn(cause: RemoteError): RemoteError {
  return new RemoteError(cause.code, 'that node lets in friends alone', {
    hint: 'They must run `kith up --open`; friends talk with `kith chat` instead.',
    cause,
  });
}

function nothingToSay(): SayError {
  return new SayError('SAY_EMPTY', 'there is nothing to say', {
    hint: 'Give a text, pipe a file in (kith say ONION < file), or use - to type until Ctrl-D.',
  });
}

function stoppedByUser(finishing: boolean): SayError {
  return new SayError(
    'SAY_STOPPED',
    finishing ? 'stopped; the message may or may not have been kept' : 'stopped; nothing was delivered',
    { hint: 'Say it again when you want it delivered.' },
  );
}

/** The content in pieces that fit one call. */
async function* chunks(content: Content): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    for (let at = 0; at < piece.length; at += SAY_CHUNK_BYTES) yield piece.subarray(at, at + SAY_CHUNK_BYTES);
  }
}
