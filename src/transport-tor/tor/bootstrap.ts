/**
 * Reads tor's bootstrap progress out of STATUS_CLIENT events and `GETINFO status/bootstrap-phase`.
 * Specification: control-spec 4.1.10 and its section on bootstrap phases. Unknown words are passed over.
 */

import { keyValues } from './control-command.ts';
import { scrub } from './errors.ts';

export interface BootstrapStatus {
  /** 0 to 100; 100 means that circuits can be built. */
  readonly progress: number;
  /** One phrase for people, such as "Loading relay descriptors". */
  readonly summary: string;
  /** Why tor does not get on, such as "Connection refused (CONNECTREFUSED)"; absent while it does. */
  readonly cause?: string;
  /** tor itself says that the problem is worth telling the user. */
  readonly warn: boolean;
}

/** `text` is what follows `STATUS_CLIENT ` or `status/bootstrap-phase=`; null when it is not about bootstrap. */
export function parseBootstrap(text: string): BootstrapStatus | null {
  const words = /^(NOTICE|WARN|ERR) BOOTSTRAP (.*)$/.exec(text);
  if (words === null) return null;
  const values = keyValues(words[2] as string);
  const progress = /^\d{1,3}$/.exec(values.get('PROGRESS') ?? '');
  if (progress === null || Number(progress[0]) > 100) return null;
  const warning = values.get('WARNING');
  const reason = values.get('REASON');
  const cause = [warning, reason === undefined ? undefined : `(${reason})`].filter(
    (part) => part !== undefined,
  );
  return {
    progress: Number(progress[0]),
    summary: scrub(values.get('SUMMARY') ?? values.get('TAG') ?? ''),
    warn: words[1] !== 'NOTICE' && values.get('RECOMMENDATION') !== 'ignore',
    ...(cause.length > 0 ? { cause: scrub(cause.join(' ')) } : {}),
  };
}
