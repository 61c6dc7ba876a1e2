/**
 * `kith/client`: a program's end of a running node, as bots and other faces use it. Every call is typed by api.ts.
 *
 * ```ts
 * import { connect } from 'kith/client';
 *
 * const node = await connect();
 * for await (const event of node.events()) {
 *   if (event.kind !== 'message') continue;
 *   const { contact, id, mine, kind, replyTo } = event.message;
 *   if (mine || kind !== 'text' || replyTo !== null) continue; // an answer gets none, or two bots would never stop
 *   await node.send(contact, { text: 'Hello!', replyTo: id });
 * }
 * ```
 *
 * One connection, no reconnecting: when the node stops, calls and `events` fail with NODE_GONE. A
 * caller that wants to go on calls {@link connect} again and looks at what came meanwhile with `history`: the node
 * keeps messages, never events.
 */

import { defaultDataDir } from '../store/data-dir.ts';
import { RpcClient } from './client.ts';
import { connectNode } from './find-node.ts';
import { KithClient } from './people-client.ts';

export { KithError } from '../safety/errors.ts';
export type { NodeStatus } from '../node/face.ts';
export type * from '../node/people-face.ts';
export type { Api, Call, ListedFriend, LocalEvent, MessagePage, NodeApi } from './api.ts';
export { LocalError, RemoteError } from './errors.ts';
export { KithClient } from './people-client.ts';

export interface ConnectOptions {
  /** Of the node; default as the command line: `$KITH_DATA`, else `~/.local/share/kith`. */
  readonly dataDir?: string;
  /** The socket itself, instead of `dataDir`. */
  readonly path?: string;
  /** Ends the connection. */
  readonly signal?: AbortSignal;
}

/** Connects to a running node. Throws NODE_NOT_RUNNING. */
export async function connect({ dataDir, path, signal }: ConnectOptions = {}): Promise<KithClient> {
  signal?.throwIfAborted();
  const rpc = await (path === undefined
    ? connectNode(dataDir ?? defaultDataDir(process.env))
    : RpcClient.connect(path));
  const client = new KithClient(rpc);
  const stop = () => client.close();
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true });
  void client.closed.then(() => signal?.removeEventListener('abort', stop));
  return client;
}
