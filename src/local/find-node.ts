/** The conversation with the node that runs in a data directory. */

import { join } from 'node:path';
import { dataDir as layout } from '../store/data-dir.ts';
import { lockHolder } from '../store/lock.ts';
import { RpcClient } from './client.ts';
import { LocalError } from './errors.ts';
import { LOCAL_SOCKET } from './json-rpc.ts';

/** Throws NODE_NOT_RUNNING when no node holds the directory. */
export async function connectNode(dataDir: string): Promise<RpcClient> {
  const holder = await lockHolder(layout(dataDir));
  if (holder === null) {
    throw new LocalError('NODE_NOT_RUNNING', 'no node is running in this data directory', {
      hint: 'Start one with `kith up`, or name its directory with --data DIR.',
    });
  }
  return RpcClient.connect(join(holder.socketDir, LOCAL_SOCKET));
}
