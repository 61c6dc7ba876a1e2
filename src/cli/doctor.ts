/**
 * `kith doctor`: looks at everything a node needs and says for each what is wrong and what to do. Changes nothing
 * and touches no network.
 */

import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { KithError } from '../safety/errors.ts';
import { systemDisk } from '../safety/disk.ts';
import { type DataDir, dataDir as layout, socketDirFits } from '../store/data-dir.ts';
import { lockHolder } from '../store/lock.ts';
import { hasStoreKey, lockedByPassphrase } from '../store/unlock.ts';
import { locateTor } from '../transport-tor/tor/locate.ts';
import type { Context } from './context.ts';
import { EXIT, size } from './output.ts';

/** `warn`: works, but look at it. `fail`: a node cannot run like this. */
interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly hint?: string;
}

/** The oldest Node.js with everything kith uses (ML-KEM in node:crypto, type stripping, node:sqlite). */
const MIN_NODE = [24, 11] as const;

/** Below this much free space (bytes) tor and the inbox soon fail. */
const LOW_DISK_BYTES = 200e6;

export async function doctor({ host, output, dataDir, env }: Context): Promise<void> {
  const dir = layout(dataDir);
  const findings = [
    runtime(),
    await tor(env),
    await directory(dir),
    await disk(dir),
    await identity(dir),
    sockets(dir),
    await node(dir),
  ];
  for (const { check, verdict, found, hint } of findings) {
    output.event(
      'check',
      { check, verdict, found, hint },
      `${verdict.padEnd(4)} ${check}: ${found}${hint === undefined ? '' : `\n     ${hint}`}`,
    );
  }
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
  output.result(
    'doctor',
    { failed, warned: findings.filter(({ verdict }) => verdict === 'warn').length },
    failed === 0 ? 'A node can run here.' : `${failed} of ${findings.length} checks failed.`,
  );
  if (failed > 0) host.exitCode = EXIT.failed;
}

function runtime(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  const found = `Node.js ${process.versions.node}, OpenSSL ${process.versions.openssl}`;
  return enough
    ? { check: 'runtime', verdict: 'ok', found }
    : { check: 'runtime', verdict: 'fail', found, hint: `Install Node.js ${MIN_NODE.join('.')} or newer.` };
}

async function tor(env: NodeJS.ProcessEnv): Promise<Finding> {
  try {
    const { path, version } = await locateTor({ env });
    return { check: 'tor', verdict: 'ok', found: `${version} at ${path}` };
  } catch (error) {
    return failed('tor', error);
  }
}

async function directory(dir: DataDir): Promise<Finding> {
  const check = 'data directory';
  const found = await lstat(dir.root).catch(() => null);
  if (found === null) {
    return { check, verdict: 'ok', found: 'not there yet', hint: 'kith init (or kith up) creates it.' };
  }
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    return {
      check,
      verdict: 'fail',
      found: 'not a directory of yours',
      hint: 'Choose another with --data DIR.',
    };
  }
  if ((found.mode & 0o077) !== 0) {
    return { check, verdict: 'warn', found: 'others may look into it', hint: `Run: chmod 700 ${dir.root}` };
  }
  const writable = await access(dir.root, constants.W_OK).then(
    () => true,
    () => false,
  );
  return writable
    ? { check, verdict: 'ok', found: dir.root }
    : {
        check,
        verdict: 'fail',
        found: 'not writable',
        hint: 'Check the permissions and whether the disk is read-only.',
      };
}

async function disk(dir: DataDir): Promise<Finding> {
  const check = 'disk';
  const free = await systemDisk.freeBytes(dir.root).catch(() => null);
  if (free === null) return { check, verdict: 'ok', found: 'not looked at before the data directory exists' };
  return free < LOW_DISK_BYTES
    ? {
        check,
        verdict: 'warn',
        found: `${size(free)} free`,
        hint: 'Free some space: messages are refused when it is full.',
      }
    : { check, verdict: 'ok', found: `${size(free)} free` };
}

async function identity(dir: DataDir): Promise<Finding> {
  const check = 'identity';
  try {
    if (!(await hasStoreKey(dir))) {
      return { check, verdict: 'ok', found: 'none yet', hint: 'kith init (or kith up) creates it.' };
    }
    const isLocked = await lockedByPassphrase(dir);
    return { check, verdict: 'ok', found: isLocked ? 'present, behind a passphrase' : 'present' };
  } catch (error) {
    return failed(check, error);
  }
}

function sockets(dir: DataDir): Finding {
  return socketDirFits(dir)
    ? { check: 'sockets', verdict: 'ok', found: 'in the data directory' }
    : {
        check: 'sockets',
        verdict: 'ok',
        found: 'in a temporary directory, because of the length or the characters of its path',
      };
}

async function node(dir: DataDir): Promise<Finding> {
  const holder = await lockHolder(dir);
  return {
    check: 'node',
    verdict: 'ok',
    found: holder === null ? 'not running' : `running as process ${holder.pid}`,
  };
}

function failed(check: string, error: unknown): Finding {
  if (!(error instanceof KithError)) throw error;
  return { check, verdict: 'fail', found: error.message, hint: error.hint };
}
