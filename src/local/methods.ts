/**
 * The calls a face can make. `say.open` dials; `say.write` takes base64 content in order and answers when the link
 * has room for more; `say.finish` answers once the other side has it on disk. A client that disconnects ends its
 * unfinished message.
 */

import { isAbsolute } from 'node:path';
import { toHex } from '../safety/bytes.ts';
import { decodeOnion } from '../wire/onion.ts';
import type { PeopleFace } from '../node/people-face.ts';
import type { KithNode } from '../node.ts';
import { LocalError } from './errors.ts';
import type { Json } from './json-rpc.ts';
import { overlayMethods, type OverlayFace } from './overlay-methods.ts';
import { checked, TEXT, text } from './params.ts';
import { peopleMethods } from './people-methods.ts';
import type { Method, Methods, Session } from './server.ts';

/** What of a node the local socket offers. */
export type NodeFace = Pick<KithNode, 'status' | 'say' | 'backup'> & OverlayFace;

/** Content on its way from a client into {@link KithNode.say}: one chunk at a time, each waiting for the link. */
class Upload implements AsyncIterable<Uint8Array> {
  #offer: { readonly bytes: Uint8Array | null; readonly taken: () => void } | undefined;
  #wake: (() => void) | undefined;

  /** Resolves when the link has taken `bytes`; null ends the content. */
  push(bytes: Uint8Array | null): Promise<void> {
    if (this.#offer !== undefined) {
      throw new LocalError('BUSY', 'the last chunk is not sent yet', {
        hint: 'Wait for each answer before the next call.',
      });
    }
    return new Promise((taken) => {
      this.#offer = { bytes, taken };
      this.#wake?.();
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#offer === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const offer = this.#offer;
      if (offer === undefined) continue;
      if (offer.bytes !== null) yield offer.bytes; // resumed when the link has taken it
      this.#offer = undefined;
      offer.taken();
      if (offer.bytes === null) return;
    }
  }
}

const BACKUP = { path: TEXT, passphrase: TEXT };

/** The methods of one session with `node`, and with the people it knows where it knows some. */
export function nodeMethods(node: NodeFace, people?: PeopleFace): Methods {
  return (session) =>
    new Map<string, Method>([
      ['status', async () => ({ ...node.status() }) satisfies Json],
      [
        'store.backup',
        async (params) => {
          const { path, passphrase } = checked(BACKUP, params);
          if (!isAbsolute(path)) {
            throw new LocalError('PARAMS_WRONG', 'path must be absolute', {
              hint: 'See docs/wire.md, local socket.',
            });
          }
          const { rows } = await node.backup(path, passphrase);
          return { rows };
        },
      ],
      ...sayMethods(node, session),
      ...overlayMethods(node, session),
      ...(people === undefined ? [] : peopleMethods(people, session)),
    ]);
}

function sayMethods(node: NodeFace, session: Session): [string, Method][] {
  let current: { readonly upload: Upload; readonly done: Promise<Json> } | undefined;

  const under = () => {
    if (current !== undefined) return current;
    throw new LocalError('PARAMS_WRONG', 'no message is open', { hint: 'Call say.open first.' });
  };

  return [
    [
      'say.open',
      async (params) => {
        if (current !== undefined) {
          throw new LocalError('BUSY', 'one message at a time', {
            hint: 'Open another connection for another message.',
          });
        }
        const upload = new Upload();
        const connected = Promise.withResolvers<void>();
        const onion = decodeOnion(text(params, 'onion'));
        const done = node
          .say(onion, upload, {
            anonymous: params['anonymous'] === true,
            signal: session.signal,
            onConnected: () => connected.resolve(),
            onRetry: ({ code, message }) => session.notify('say.retry', { code, message }),
          })
          .then(({ sizeBytes, digest, tookMs }) => ({ sizeBytes, sha256: toHex(digest), tookMs }));
        done.catch((error: unknown) => connected.reject(error)); // before the connection: the open call fails
        current = { upload, done };
        try {
          await connected.promise;
        } catch (error) {
          current = undefined;
          throw error;
        }
        return {};
      },
    ],
    [
      'say.write',
      async (params) => {
        const { upload, done } = under();
        const bytes = Buffer.from(text(params, 'data'), 'base64');
        await Promise.race([upload.push(bytes), done]); // a refusal ends the wait with its reason
        return {};
      },
    ],
    [
      'say.finish',
      async () => {
        const { upload, done } = under();
        await Promise.race([upload.push(null), done]);
        const delivered = await done;
        current = undefined;
        return delivered;
      },
    ],
  ];
}
