/** What a face sends, read one value at a time: each throws {@link LocalError} PARAMS_WRONG where it is another type. */

import { LocalError } from './errors.ts';
import type { Params } from './json-rpc.ts';

/** A string. */
export function text(params: Params, name: string): string {
  const value = params[name];
  if (typeof value === 'string') return value;
  throw wrong(`${name} must be a string`);
}

/** A whole number of at least 0, or undefined when it is not there. */
export function count(params: Params, name: string): number | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(`${name} must be a whole number`);
}

function wrong(what: string): LocalError {
  return new LocalError('PARAMS_WRONG', what, { hint: 'See docs/wire.md, local socket.' });
}
