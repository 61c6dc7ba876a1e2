/**
 * Lists of what is missing of a chain, in order. An entry says where to look: both its ends are missing, and of what
 * lies between them those numbers for which a row of kind `gap` (or the range row) stands.
 */

export interface Span {
  /** Both ends included. */
  readonly from: number;
  readonly to: number;
}

export interface Gap extends Span {
  /** Number in the name of the range row that stands for all of them; null where each has a row of its own. */
  readonly range: number | null;
}

export function spans({ from, to }: Span, number: number): boolean {
  return from <= number && number <= to;
}

/** The two that are nearest to each other as one; null where no two neighbours have rows of their own. */
export function joinNearest(gaps: readonly Gap[]): Gap[] | null {
  let nearest = -1;
  let least = Infinity;
  for (const [at, { from, range }] of gaps.entries()) {
    const before = gaps[at - 1];
    if (before === undefined || before.range !== null || range !== null || from - before.to >= least)
      continue;
    [nearest, least] = [at, from - before.to];
  }
  return nearest < 0 ? null : gaps.flatMap((gap, at) => join(gap, gaps[at + 1], at - nearest));
}

function join(gap: Gap, next: Gap | undefined, place: number): Gap[] {
  if (place === 0) return [];
  return place === -1 && next !== undefined ? [{ ...gap, to: next.to }] : [gap];
}
