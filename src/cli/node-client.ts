/** Talks to the node that runs in a data directory, through its local socket, until the command is stopped. */

import type { RpcClient } from '../local/client.ts';
import { connectNode } from '../local/find-node.ts';
import { KithClient } from '../local/people-client.ts';
import { KithError } from '../safety/errors.ts';
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

/** As {@link withNode}, for the calls about people. */
export function withPeople<T>(
  context: Pick<Context, 'dataDir' | 'signal'>,
  work: (people: KithClient) => Promise<T>,
  stopped: () => KithError = stoppedEarly,
): Promise<T> {
  return withNode(context, (rpc) => work(new KithClient(rpc)), stopped);
}

/** Nothing is known to have been done. */
export function stoppedEarly(): KithError {
  return new KithError('STOPPED', 'stopped before it was done', { hint: 'Run the command again.' });
}
