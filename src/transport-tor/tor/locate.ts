/**
 * Finds a tor program that can run kith: KITH_TOR alone when it is set, else PATH, else the usual places.
 * Nothing is ever downloaded. Old tors lack `PoWDefensesEnabled` in ADD_ONION, and some builds lack the module.
 */

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { TorError } from './errors.ts';
import { LOCATE_TIMEOUT_MS, MIN_TOR_VERSION } from './limits.ts';

/** Places outside many users' PATH: Debian's sbin, Homebrew on both Apple machines, MacPorts, Tor Browser. */
const USUAL_PLACES = [
  '/usr/bin/tor',
  '/usr/sbin/tor',
  '/usr/local/bin/tor',
  '/usr/local/sbin/tor',
  '/opt/homebrew/bin/tor',
  '/opt/local/bin/tor',
  '/snap/bin/tor',
  '/Applications/Tor Browser.app/Contents/MacOS/Tor/tor',
];

export interface TorBinary {
  readonly path: string;
  /** As tor prints it, such as "0.4.9.11". */
  readonly version: string;
}

export interface LocateOptions {
  /** Environment to look at: KITH_TOR and PATH. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Instead of looking: the one program to check. */
  readonly binary?: string | undefined;
  readonly places?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** The first suitable tor. Throws TorError TOR_NOT_FOUND or TOR_UNSUITABLE, whose hint is the command to run. */
export async function locateTor(options: LocateOptions = {}): Promise<TorBinary> {
  const env = options.env ?? process.env;
  const chosen = options.binary ?? (env['KITH_TOR'] === '' ? undefined : env['KITH_TOR']);
  const candidates = chosen === undefined ? everywhere(env, options.places ?? USUAL_PLACES) : [chosen];
  let refusal: TorError | null = null;
  for (const path of candidates) {
    if (!(await isExecutable(path))) continue;
    const checked = await check(path, options.signal);
    if (!(checked instanceof TorError)) return checked;
    refusal ??= checked;
  }
  if (refusal !== null) throw refusal;
  if (options.binary !== undefined) {
    throw new TorError('TOR_NOT_FOUND', 'the given tor program is no program', {
      hint: 'Give the path of a tor program, or none to look in the usual places.',
    });
  }
  throw new TorError(
    'TOR_NOT_FOUND',
    chosen === undefined ? 'tor is not installed' : 'KITH_TOR names no program',
    {
      hint:
        chosen === undefined
          ? await installHint()
          : 'Set KITH_TOR to the path of a tor program, or unset it.',
    },
  );
}

/** `[0, 4, 9, 11]` of the output of `tor --version`; null when it is not tor's. */
export function parseTorVersion(output: string): readonly number[] | null {
  const found = /^Tor version (\d{1,4}(?:\.\d{1,4}){2,3})/m.exec(output);
  return found === null ? null : (found[1] as string).split('.').map(Number);
}

/** Whether `version` is at least `least`, compared part by part. */
export function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  for (let i = 0; i < Math.max(version.length, least.length); i++) {
    const difference = (version[i] ?? 0) - (least[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The one line that installs tor here. */
export async function installHint(platform: NodeJS.Platform = process.platform): Promise<string> {
  if (platform === 'darwin') return 'Run: brew install tor';
  const release = platform === 'linux' ? await readFile('/etc/os-release', 'utf8').catch(() => '') : '';
  return `Run: ${installCommand(release)}`;
}

/** From the text of /etc/os-release to a command. */
export function installCommand(release: string): string {
  const ids = [...release.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap((match) =>
    (match[1] as string).split(' '),
  );
  if (ids.some((id) => id === 'debian' || id === 'ubuntu'))
    return 'sudo apt-get install --no-install-recommends tor';
  if (ids.some((id) => id === 'fedora' || id === 'rhel')) return 'sudo dnf install tor';
  if (ids.includes('arch')) return 'sudo pacman -S tor';
  if (ids.includes('alpine')) return 'sudo apk add tor';
  if (ids.some((id) => id === 'suse' || id === 'opensuse')) return 'sudo zypper install tor';
  return `install tor ${MIN_TOR_VERSION.join('.')} or newer with your system's package manager`;
}

function everywhere(env: Readonly<Record<string, string | undefined>>, places: readonly string[]): string[] {
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute); // never a tor from the current directory
  return [...new Set([...onPath.map((folder) => join(folder, 'tor')), ...places])];
}

async function check(path: string, signal: AbortSignal | undefined): Promise<TorBinary | TorError> {
  const [about, modules] = await Promise.all([
    run(path, '--version', signal),
    run(path, '--list-modules', signal),
  ]);
  const version = parseTorVersion(about);
  if (version === null) return unsuitable('a program named tor does not say its version', {});
  const data = { version: version.join('.') };
  if (!isAtLeast(version, MIN_TOR_VERSION)) return unsuitable(`tor ${data.version} is too old`, data);
  if (!/^pow: yes$/m.test(modules))
    return unsuitable(`tor ${data.version} was built without its pow module`, data);
  return { path, version: data.version };
}

function unsuitable(message: string, data: Readonly<Record<string, string>>): TorError {
  return new TorError('TOR_UNSUITABLE', message, {
    hint: `kith needs tor ${MIN_TOR_VERSION.join('.')} or newer with "pow: yes" in \`tor --list-modules\`: upgrade it, or set KITH_TOR to another one.`,
    data,
  });
}

/** Standard output of `path flag`; empty when it fails, which then reads as "no version". */
async function run(path: string, flag: string, signal: AbortSignal | undefined): Promise<string> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const limits = {
      timeout: LOCATE_TIMEOUT_MS,
      maxBuffer: 64 * 1024,
      ...(signal === undefined ? {} : { signal }),
    };
    execFile(path, [flag], limits, (_error, stdout) => {
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve(stdout);
    });
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
