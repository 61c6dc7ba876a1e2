/** Numbers and durations as a person gives them; each throws a KithError that says what would do. */

import { KithError } from '../safety/errors.ts';

/** A whole number of 1 to `most`. Throws BAD_NUMBER. */
export function numberArgument(given: string, what: string, most: number): number {
  const number = Number(given);
  if (/^[0-9]{1,16}$/.test(given) && number >= 1 && number <= most) return number;
  throw new KithError('BAD_NUMBER', `that is no ${what}`, {
    hint: `Give a whole number, 1 to ${most.toLocaleString('en')}.`,
  });
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `30s`, `10m`, `2h`, `1d`, `4w` as seconds; `off` is 0. Throws BAD_DURATION. */
export function durationArgument(given: string): number {
  if (given === 'off') return 0;
  const [, number, unit = ''] = /^([1-9][0-9]{0,5})([smhdw])$/.exec(given) ?? [];
  const unitS = UNIT_SECONDS[unit];
  if (unitS !== undefined) return Number(number) * unitS;
  throw new KithError('BAD_DURATION', 'that is no duration', {
    hint: 'Give a number with s, m, h, d or w behind it, as in 30m or 1w; or off.',
  });
}

/** A message's place, `12` or `#12`. Throws BAD_NUMBER. */
export function placeArgument(given: string): number {
  const [, place = ''] = /^#?([1-9][0-9]{0,14})$/.exec(given) ?? [];
  if (place !== '') return Number(place);
  throw new KithError('BAD_NUMBER', 'that is no place in a history', {
    hint: 'Give the number that `kith history` shows before a message, as in 12.',
  });
}

/** A message's place (`12` or `#12`), or its id. Throws BAD_NUMBER. */
export function messageArgument(given: string): string {
  const ref = given.replace(/^#/, '').toLowerCase();
  if (/^([0-9a-f]{32}|[0-9]{1,15})$/.test(ref)) return ref;
  throw new KithError('BAD_NUMBER', 'that names no message', {
    hint: 'Give the number that `kith history` shows before it, as in 12, or its id of 32 characters.',
  });
}
