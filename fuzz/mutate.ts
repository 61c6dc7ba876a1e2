/** Inputs for fuzz targets from a seeded generator: the same seed gives the same inputs in the same order. */

/** A seeded source of uniform 32-bit numbers (sfc32, public domain by C. Doty-Humphrey); not for secrets. */
export function seededNumbers(seed: number): () => number {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Most mutations piled on one input. */
const MAX_STEPS = 6;
/** Longest block that one step inserts, copies or removes. */
const MAX_BLOCK = 64;
const NEWEST = 4;
/** Values at which lengths and counts go wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x0d, 0x0a, 0x20, 0x2f, 0x3a];

export class Mutator {
  readonly #next: () => number;
  /** Longest input that is made, in bytes. */
  readonly #maxSize: number;

  constructor(seed: number, maxSize: number) {
    this.#next = seededNumbers(seed);
    this.#maxSize = maxSize;
  }

  /** A number from 0 to `bound` - 1. */
  below(bound: number): number {
    return this.#next() % bound;
  }

  /** The next input: random bytes now and then, else a mutated one of the corpus. */
  next(corpus: readonly Uint8Array[]): Uint8Array {
    if (corpus.length === 0 || this.below(8) === 0) return this.#random(this.#maxSize);
    let bytes = this.#pick(corpus).slice();
    for (let steps = 1 + this.below(MAX_STEPS); steps > 0; steps--) bytes = this.#step(bytes, corpus);
    return bytes.subarray(0, this.#maxSize);
  }

  /** Any of the corpus, one time in four one of the newest: what was just found is the least explored. */
  #pick(corpus: readonly Uint8Array[]): Uint8Array {
    const from = this.below(4) === 0 ? Math.max(0, corpus.length - NEWEST) : 0;
    return corpus[from + this.below(corpus.length - from)] as Uint8Array;
  }

  /** Short ones more often: most formats decide within their first bytes. */
  #random(maxSize: number): Uint8Array<ArrayBuffer> {
    const bound = Math.min(maxSize, 2 ** this.below(Math.ceil(Math.log2(maxSize)) + 1));
    const bytes = new Uint8Array(this.below(bound + 1));
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#next();
    return bytes;
  }

  #step(bytes: Uint8Array<ArrayBuffer>, corpus: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    const at = this.below(bytes.length + 1);
    const size = 1 + this.below(MAX_BLOCK);
    switch (this.below(9)) {
      case 0: // one bit
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << this.below(8));
        return bytes;
      case 1: // one byte
        if (at < bytes.length) bytes[at] = this.#next();
        return bytes;
      case 2: // a byte at an edge
        if (at < bytes.length) bytes[at] = EDGES[this.below(EDGES.length)] as number;
        return bytes;
      case 3: // a little more or less
        if (at < bytes.length) bytes[at] = (bytes[at] as number) + this.below(9) - 4;
        return bytes;
      case 4:
        return splice(bytes, at, 0, this.#random(size));
      case 5:
        return splice(bytes, at, size, new Uint8Array(0));
      case 6: // a block of its own again
        return splice(bytes, at, 0, bytes.slice(at, at + size));
      case 7: // a block of another input in place
        return splice(bytes, at, size, this.#blockOf(this.#pick(corpus), size));
      default: // cut off, or another input's end
        return this.below(2) === 0
          ? bytes.slice(0, at)
          : splice(bytes, at, bytes.length, this.#pick(corpus).slice(at));
    }
  }

  #blockOf(bytes: Uint8Array, size: number): Uint8Array {
    const at = this.below(bytes.length + 1);
    return bytes.subarray(at, at + size);
  }
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array<ArrayBuffer> {
  const rest = bytes.subarray(Math.min(bytes.length, at + remove));
  const joined = new Uint8Array(at + insert.length + rest.length);
  joined.set(bytes.subarray(0, at));
  joined.set(insert, at);
  joined.set(rest, at + insert.length);
  return joined;
}
