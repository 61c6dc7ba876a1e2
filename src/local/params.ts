/**
 * What a face sends, read one value at a time: each throws {@link LocalError} PARAMS_WRONG where it is another type.
 * {@link checked} reads all parameters of a call by its shape, and refuses names the shape does not have: what an
 * older node would overlook may be the half that matters (`onlyHere`).
 */

import { LocalError } from './errors.ts';
import type { Json, Params } from './json-rpc.ts';

/** Returns undefined where the value is something else than `what`. */
export interface Check<T> {
  readonly what: string;
  readonly read: (value: Json) => T | undefined;
}

export interface Optional<T> extends Check<T> {
  readonly optional: true;
}

/** A check for each parameter; for those that may be left out an optional one. */
export type Shape<P> = {
  readonly [N in keyof P]-?: object extends Pick<P, N> ? Optional<Exclude<P[N], undefined>> : Check<P[N]>;
};

export function optional<T>(check: Check<T>): Optional<T> {
  return { ...check, optional: true };
}

/** Text; half a surrogate pair, which has no UTF-8, is none. */
export const TEXT: Check<string> = {
  what: 'a string',
  read: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
};

export const FLAG: Check<boolean> = {
  what: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

export const COUNT: Check<number> = {
  what: 'a whole number',
  read: (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined),
};

/** Bytes in base64 as RFC 4648 section 4 has it: padded, one encoding. The text itself, not the bytes. */
export const BASE64: Check<string> = {
  what: 'base64',
  read: (value) =>
    typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value
      ? value
      : undefined,
};

export const LINES: Check<readonly string[]> = {
  what: 'a list of strings',
  read: (value) => {
    if (!Array.isArray(value)) return undefined;
    const lines = (value as readonly Json[]).map(TEXT.read);
    return lines.includes(undefined) ? undefined : (lines as readonly string[]);
  },
};

export function oneOf<T extends string>(...values: readonly T[]): Check<T> {
  return { what: values.join(' or '), read: (value) => values.find((known) => known === value) };
}

/** 1 to `most`. */
export function upTo(most: number): Check<number> {
  const read = (value: Json) => {
    const found = COUNT.read(value);
    return found !== undefined && found >= 1 && found <= most ? found : undefined;
  };
  return { what: `a whole number, 1 to ${most}`, read };
}

/** Also takes null. */
export function orNull<T>(check: Check<T>): Check<T | null> {
  return {
    what: `${check.what}, or null`,
    read: (value) => (value === null ? null : check.read(value)),
  };
}

/** An object of that shape. */
export function record<P>(shape: Shape<P>): Check<P> {
  return {
    what: 'an object',
    read: (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? checked(shape, value as Params)
        : undefined,
  };
}

/** Everything `shape` asks for, and nothing else. */
export function checked<P>(shape: Shape<P>, params: Params): P {
  const checks = new Map<string, Check<unknown> | Optional<unknown>>(Object.entries(shape));
  for (const name of Object.keys(params)) {
    if (!checks.has(name)) throw wrong('a parameter that this call does not have');
  }
  const read = [...checks].flatMap(([name, check]) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    if (value === undefined && 'optional' in check) return [];
    const found = value === undefined ? undefined : check.read(value);
    if (found === undefined) throw wrong(`${name} must be ${check.what}`);
    return [[name, found] as const];
  });
  return Object.fromEntries(read) as P;
}

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
  const found = COUNT.read(value);
  if (found === undefined) throw wrong(`${name} must be ${COUNT.what}`);
  return found;
}

function wrong(what: string): LocalError {
  return new LocalError('PARAMS_WRONG', what, { hint: 'See docs/wire.md, local socket.' });
}
