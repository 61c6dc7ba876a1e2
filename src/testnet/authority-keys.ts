/**
 * Keys of a directory authority: the long-term v3 identity with its certificate (made by tor-gencert) and the
 * relay identity, whose fingerprints all other members need before they start (tor.1, DirAuthority).
 *
 * The keys guard a network that lives for minutes on loopback. Still, the passphrase is random and travels
 * through a pipe, and nothing here is a model for a real authority, whose identity key stays offline.
 */

import { spawn } from 'node:child_process';
import { createHash, generateKeyPair } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { toHex } from '../safety/bytes.ts';
import type { RandomBytes } from '../safety/random.ts';
import { TestnetError } from './errors.ts';
import { KEY_TIMEOUT_MS } from './limits.ts';
import type { RelayPlan } from './plan.ts';

const CERTIFICATE = 'authority_certificate';

export interface AuthorityFingerprints {
  /** SHA-1 of the v3 identity key, 40 upper-case hex. */
  readonly v3: string;
  /** SHA-1 of the relay identity key, 40 upper-case hex. */
  readonly relay: string;
}

/** Makes the keys of `plan` in `<folder>/keys`. `watch` is told the pid of tor-gencert while it runs. */
export async function makeAuthorityKeys(
  plan: RelayPlan,
  folder: string,
  torPath: string,
  random: RandomBytes,
  options: { readonly watch: (pid: number) => () => void; readonly signal?: AbortSignal | undefined },
): Promise<AuthorityFingerprints> {
  const keys = join(folder, 'keys');
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const [relay] = await Promise.all([
    makeRelayKey(keys),
    gencert(plan, keys, await locateGencert(torPath), toHex(random(16)), options),
  ]);
  const certificate = await readFile(join(keys, CERTIFICATE), 'latin1');
  const v3 = /^fingerprint ([0-9A-F]{40})$/m.exec(certificate)?.[1];
  if (v3 === undefined) throw failed('its certificate has no fingerprint');
  return { v3, relay };
}

/** Debian has tor in sbin and tor-gencert in bin, so the folder of `torPath` is only the first guess. */
async function locateGencert(torPath: string): Promise<string> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  for (const folder of [dirname(torPath), ...onPath, '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']) {
    const program = join(folder, 'tor-gencert');
    const found = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return program;
  }
  throw failed('it is not installed');
}

/** Writes the RSA-1024 relay identity that tor would make at its start; returns its fingerprint. */
async function makeRelayKey(keys: string): Promise<string> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 1024 });
  await writeFile(join(keys, 'secret_id_key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), {
    mode: 0o600,
  });
  const der = publicKey.export({ type: 'pkcs1', format: 'der' });
  return createHash('sha1').update(der).digest('hex').toUpperCase();
}

async function gencert(
  plan: RelayPlan,
  keys: string,
  program: string,
  passphrase: string,
  {
    watch,
    signal,
  }: { readonly watch: (pid: number) => () => void; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  signal?.throwIfAborted();
  const files = ['-i', 'authority_identity_key', '-s', 'authority_signing_key', '-c', CERTIFICATE];
  const where = ['-a', `${plan.address}:${plan.dirPort}`, '-m', '1'];
  const child = spawn(program, ['--create-identity-key', '--passphrase-fd', '3', ...where, ...files], {
    cwd: keys,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    timeout: KEY_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  const forget = child.pid === undefined ? () => {} : watch(child.pid);
  let complaint = '';
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    complaint = (complaint + text).slice(-500);
  });
  const pipe = child.stdio[3] as NodeJS.WritableStream;
  pipe.on('error', () => {}); // its exit code tells more
  pipe.end(`${passphrase}\n`);
  await new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => {
      forget();
      reject(signal?.aborted === true ? (signal.reason as Error) : failed('it cannot be started', cause));
    });
    child.on('close', (code) => {
      forget();
      if (code === 0) resolve();
      else reject(failed(`it ended with code ${code}: ${complaint.trim().split('\n').at(-1) ?? ''}`));
    });
  });
}

function failed(why: string, cause?: unknown): TestnetError {
  return new TestnetError('TESTNET_KEYS', `tor-gencert made no authority keys: ${why}`, {
    hint: 'tor-gencert comes with tor; it must be on PATH or in the folder of the tor program.',
    cause,
  });
}
