/**
 * What an input made the code of src do, by V8's precise block coverage. V8 names a block that was skipped (count
 * zero) and leaves out one that ran as often as what surrounds it, so the features are the skipped blocks of each
 * function that ran, taken together, and roughly how often each remaining block ran.
 */

import { type Profiler, Session } from 'node:inspector';

export class CoverageProbe {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Features of what ran since the last call. */
  take(): string[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      scripts = result;
    });
    return scripts.filter(({ url }) => url.includes('/src/')).flatMap(featuresOf);
  }

  close(): void {
    this.#session.disconnect();
  }
}

function featuresOf({ scriptId, functions }: Profiler.ScriptCoverage): string[] {
  const features: string[] = [];
  for (const { ranges } of functions) {
    const [whole, ...blocks] = ranges;
    if (whole === undefined || whole.count === 0) continue;
    const name = `${scriptId}:${whole.startOffset}`;
    const skipped = blocks.filter(({ count }) => count === 0).map(({ startOffset }) => startOffset);
    features.push(`${name} skips ${skipped.join()}`);
    for (const { startOffset, count } of ranges) {
      if (count > 0) features.push(`${name} ${startOffset} 2^${Math.floor(Math.log2(count))}`);
    }
  }
  return features;
}
