/**
 * From the last log lines of a tor that ended to a cause that a program can switch on and a person can act on.
 * The patterns are phrases of tor's own messages; what none of them knows stays TOR_EXITED with the lines.
 */

import { TorError, type TorErrorCode } from './errors.ts';

export interface ExitFacts {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Scrubbed log lines, oldest first. */
  readonly lines: readonly string[];
  /** The error of a program that could not even be started. */
  readonly failure?: Error | undefined;
}

interface Cause {
  readonly code: TorErrorCode;
  readonly pattern: RegExp;
  readonly message: string;
  readonly hint: string;
}

/** Most specific first: a full disk also makes tor complain about its configuration. */
const CAUSES: readonly Cause[] = [
  {
    code: 'TOR_DISK_FULL',
    pattern: /No space left on device|Disk quota exceeded/,
    message: 'tor could not write: the disk is full',
    hint: 'Free some space on the disk of the data directory and start again.',
  },
  {
    code: 'TOR_DATA_DIR_BUSY',
    pattern: /another Tor process is running with the same data directory/,
    message: 'another tor holds the data directory',
    hint: 'Stop the other tor, or give this node a data directory of its own.',
  },
  {
    code: 'TOR_BIND',
    pattern: /Could not bind to|Address already in use|Cannot assign requested address/,
    message: 'tor could not open one of its listeners',
    hint: 'Another program holds that address or socket path; stop it or choose another.',
  },
  {
    code: 'TOR_DATA_DIR',
    pattern:
      /Permission denied|Read-only file system|Operation not permitted|is not owned by this user|create private data directory|too permissive|Couldn't create|cannot be read/,
    message: 'tor cannot use its data directory',
    hint: 'The directory must exist or be creatable, belong to this user and be writable.',
  },
  {
    code: 'TOR_CONFIG',
    pattern: /Failed to parse\/validate config|Reading config failed|Unknown option/,
    message: 'tor refused its configuration',
    hint: 'Check the bridge, transport and extra configuration lines.',
  },
];

/** The typed cause of an exit; never null, because tor never ends on its own while all is well. */
export function exitError({ code, signal, lines, failure }: ExitFacts): TorError {
  const said = lines.filter((line) => /\[(warn|err)\]/.test(line));
  const data = {
    ...(code === null ? {} : { exitCode: code }),
    ...(signal === null ? {} : { signal }),
    lastLines: (said.length > 0 ? said : lines).slice(-3).join(' | '),
  };
  if (failure !== undefined) {
    return new TorError('TOR_EXITED', 'the tor program could not be started', {
      hint: 'Check that the file is a program for this machine, or set KITH_TOR to another one.',
      data: { ...data, reason: String((failure as NodeJS.ErrnoException).code ?? failure.name) },
      cause: failure,
    });
  }
  const cause = CAUSES.find(({ pattern }) => said.some((line) => pattern.test(line)));
  if (cause !== undefined && signal === null)
    return new TorError(cause.code, cause.message, { hint: cause.hint, data });
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  return new TorError('TOR_EXITED', `tor ended ${how}`, {
    hint: 'kith restarts it; if it happens again, the last lines of its log say more.',
    data,
  });
}
