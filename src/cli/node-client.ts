/** Talks to the node that runs in a data directory, through its local socket, until the command is stopped. */

import { join } from 'node:path';
import { RpcClient } from '../local/client.ts';
import { LocalError } from '../local/errors.ts';
import { LOCAL_SOCKET } from '../local/json-rpc.ts';
import { KithError } from '../safety/errors.ts';
import { dataDir as layout } from '../store/data-dir.ts';
import { lockHolder } from '../store/lock.ts';
import type { Context } from './context.ts';

/**
 * What `work` returns. Aborting the command ends the conversation, and with it what the node does for `work`: then
 * `stopped()` is thrown. Throws NODE_NOT_RUNNING when no node holds the directory.
 */
export async function withNode<T>(
  { dataDir, signal }: Pick<Context, 'dataDir' | 'signal'>,
  work: (client: RpcClient) => Promise<T>,
  stopped: () => KithError = stoppedEarly,
): Promise<T> {
  const client = await connectNode(dataDir);
  const stop = (): void => client.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    return await work(client);
  } catch (error) {
    throw signal.aborted ? stopped() : error;
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
}

async function connectNode(dataDir: string): Promise<RpcClient> {
  const holder = await lockHolder(layout(dataDir));
  if (holder === null) {
    throw new LocalError('NODE_NOT_RUNNING', 'no node is running in this data directory', {
      hint: 'Start one with `kith up`, or name its directory with --data DIR.',
    });
  }
  return RpcClient.connect(join(holder.socketDir, LOCAL_SOCKET));
}

function stoppedEarly(): KithError {
  return new KithError('STOPPED', 'stopped before it was done', { hint: 'Run the command again.' });
}
