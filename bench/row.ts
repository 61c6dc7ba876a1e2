/** One figure of a bench, as printed and as kept in `bench/RESULTS.md`. Statistics are medians of pairs. */

export interface Row {
  readonly bench: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same thing done without kith, in the same run; null where there is nothing to compare with. */
  readonly baseline: number | null;
  /** Median of the ratios pair by pair. */
  readonly ratio: number | null;
  /** 95 % interval of `ratio`, or of `value` where there is no baseline. */
  readonly low: number;
  readonly high: number;
  /** The target in words; null where the row is only reported. */
  readonly goal: string | null;
  readonly holds: boolean | null;
}

/** A bench yields its rows as they are ready; `only` names the rows wanted. */
export type Bench = (
  only: ReadonlySet<string> | null,
  progress: (sentence: string) => void,
) => AsyncIterable<Row>;

/** One pair of measurements taken right after each other. */
export interface Pair {
  readonly value: number;
  readonly baseline: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('no values');
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/**
 * Distribution-free 95 % interval of the median: the order statistics that a fair coin puts outside it with at most
 * 2.5 % on each side. With fewer than six values it is the whole range.
 */
function interval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const skip = countSkipped(n);
  return [sorted[skip] as number, sorted[n - 1 - skip] as number];
}

/** How many values may be left out at each end: the largest k with P(Binomial(n, 1/2) <= k) <= 2.5 %, from 0 up. */
function countSkipped(n: number): number {
  let k = 0;
  let probability = 2 ** -n;
  let sum = probability;
  while (sum <= 0.025) {
    k += 1;
    probability *= (n - k + 1) / k;
    sum += probability;
  }
  return Math.max(0, k - 1);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** A row of compared pairs. `holds` decides on the pairs themselves where the target is not a ratio. */
export function compared(
  bench: string,
  name: string,
  unit: string,
  pairs: readonly Pair[],
  target: {
    readonly goal: string;
    readonly holds: (ratio: number, pairs: readonly Pair[]) => boolean;
  } | null,
): Row {
  const ratios = pairs.map(({ value, baseline }) => value / baseline);
  const ratio = median(ratios);
  const [low, high] = interval(ratios);
  return {
    bench,
    name,
    value: round(median(pairs.map(({ value }) => value))),
    unit,
    baseline: round(median(pairs.map(({ baseline }) => baseline))),
    ratio: round(ratio),
    low: round(low),
    high: round(high),
    goal: target?.goal ?? null,
    holds: target?.holds(ratio, pairs) ?? null,
  };
}

/** A row without a baseline. */
export function reported(bench: string, name: string, unit: string, values: readonly number[]): Row {
  const [low, high] = interval(values);
  return {
    bench,
    name,
    value: round(median(values)),
    unit,
    baseline: null,
    ratio: null,
    low: round(low),
    high: round(high),
    goal: null,
    holds: null,
  };
}
