/**
 * A private place for the unix socket of an onion: whoever can open the socket is treated as arriving through tor,
 * so nobody else on the machine may. The directory's mode 0700 does that from the first moment on; the socket's own
 * 0600 comes after it is bound, because a umask would be shared with the rest of the process.
 */

import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { EndpointError } from './errors.ts';
import { SOCKET_PATH_BYTES } from './limits.ts';

const NAME_LABEL = 'kith/1/socket/';

/** Creates the directory, or takes away the access of others to it. Throws {@link EndpointError} SOCKET_DIR. */
export async function prepareSocketDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const found = await lstat(dir);
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) {
    throw new EndpointError('SOCKET_DIR', 'the directory for sockets is not a directory of this user', {
      hint: 'Choose a directory that belongs to the user who runs the node.',
    });
  }
  if ((found.mode & 0o077) !== 0) await chmod(dir, 0o700);
}

/**
 * The path for an onion's socket: the same at each start, so that what a killed process left is found again. A hash,
 * so that a listing of the directory names no onion. Throws {@link EndpointError} SOCKET_PATH where it is too long.
 */
export function onionSocketPath(dir: string, host: string, port: number): string {
  const name = createHash('sha256').update(`${NAME_LABEL}${host}:${port}`).digest('hex').slice(0, 12);
  const path = join(dir, `${name}.sock`);
  const sizeBytes = Buffer.byteLength(path);
  if (sizeBytes <= SOCKET_PATH_BYTES) return path;
  throw new EndpointError('SOCKET_PATH', 'the path of the unix socket is longer than systems allow', {
    hint: `Choose a directory for sockets with a path of at most ${SOCKET_PATH_BYTES - 18} bytes.`,
    data: { sizeBytes },
  });
}

/** Removes a socket that nobody serves any more. Throws {@link EndpointError} SOCKET_IN_USE where somebody does. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (await isServed(path)) {
    throw new EndpointError('SOCKET_IN_USE', 'another program serves this onion already', {
      hint: 'Stop the other node first, or give each its own directory and key.',
    });
  }
  await rm(path, { force: true });
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}
