/** Finds the node that runs in a data directory and connects to its local socket. */

import { join } from 'node:path';
import { RpcClient } from '../local/client.ts';
import { LocalError } from '../local/errors.ts';
import { dataDir as layout } from '../store/data-dir.ts';
import { type Holder, lockHolder } from '../store/lock.ts';
import { LOCAL_SOCKET } from './up.ts';

/** Throws NODE_NOT_RUNNING when no node holds the directory. */
export async function connectNode(dataDir: string): Promise<{ client: RpcClient; holder: Holder }> {
  const holder = await lockHolder(layout(dataDir));
  if (holder === null) {
    throw new LocalError('NODE_NOT_RUNNING', 'no node is running in this data directory', {
      hint: 'Start one with `kith up`, or name its directory with --data DIR.',
    });
  }
  return { client: await RpcClient.connect(join(holder.socketDir, LOCAL_SOCKET)), holder };
}
