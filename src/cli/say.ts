/** `kith say <onion> [text|-]`: hands a text, a file or standard input to another node's disk. */

import { SAY_CHUNK_BYTES } from '../local/limits.ts';
import { utf8 } from '../safety/bytes.ts';
import { SayError } from '../say/errors.ts';
import type { Context } from './context.ts';
import { connectNode } from './node-client.ts';
import { onionArgument } from './onion-argument.ts';
import { duration, size } from './output.ts';

export interface SayCommandOptions {
  /** Hide who says it. */
  readonly anonymous?: boolean;
}

/** Progress lines no more often than this, ms. */
const PROGRESS_EVERY_MS = 500;

export async function say(
  { output, dataDir, signal }: Context,
  onion: string,
  text: string | undefined,
  { anonymous = false }: SayCommandOptions,
): Promise<void> {
  const { host, port } = onionArgument(onion); // a mistyped address fails here, before anything is asked of the node
  if (text === undefined && process.stdin.isTTY === true) {
    throw nothingToSay();
  }
  const { client } = await connectNode(dataDir);
  const stop = () => {
    client.close();
    process.stdin.destroy(); // or a person's unfinished line would keep the process
  };
  signal.addEventListener('abort', stop, { once: true });
  let finishing = false;
  try {
    output.progress('connecting', {}, 'Connecting through Tor…');
    client.onNotification = (_method, { code, message }) =>
      output.progress('retry', { code: String(code) }, `Not yet: ${String(message)}. Trying again…`);
    await client.call('say.open', { onion: `${host}.onion:${port}`, anonymous });
    let sentBytes = 0;
    let shownAt = 0;
    const piped = text === undefined || text === '-';
    for await (const chunk of chunks(piped ? process.stdin : [utf8(text)])) {
      await client.call('say.write', { data: Buffer.from(chunk).toString('base64') });
      sentBytes += chunk.length;
      if (performance.now() - shownAt > PROGRESS_EVERY_MS) {
        shownAt = performance.now();
        output.progress('sending', { sentBytes }, `Sent ${size(sentBytes)}…`);
      }
    }
    if (piped && sentBytes === 0) throw nothingToSay();
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
  } catch (error) {
    throw signal.aborted ? stoppedByUser(finishing) : error;
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
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

/** The input in pieces that fit one call. */
async function* chunks(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    const bytes = typeof piece === 'string' ? utf8(piece) : piece;
    for (let at = 0; at < bytes.length; at += SAY_CHUNK_BYTES) yield bytes.subarray(at, at + SAY_CHUNK_BYTES);
  }
}
