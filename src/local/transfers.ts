/** Histories that leave or enter in parts, because they do not fit one answer: state of one session each. */

import type { PeopleFace } from '../node/people-face.ts';
import type { Api } from './api.ts';
import { LocalError } from './errors.ts';
import { IMPORT_LINE_MAX_BYTES, IMPORT_MAX_CHARS, RPC_PAGE_BYTES } from './limits.ts';
import { answerBytes } from './pages.ts';

/** Answers `messages.export`: a call without `more` starts anew. The history may change while it is read. */
export function exporting(people: Pick<PeopleFace, 'exportHistory'>) {
  let rest: Lines | undefined;
  return ({ who, more = false }: Api['messages.export']['params']): Api['messages.export']['result'] => {
    if (!more) rest = new Lines(people.exportHistory(who));
    if (rest === undefined) {
      throw new LocalError('PARAMS_WRONG', 'no export is under way', { hint: 'Call it without more first.' });
    }
    const lines = rest.page();
    const { done } = rest;
    if (done) rest = undefined;
    return { lines, done };
  };
}

/** Lines by pages; what did not fit one is the first of the next. */
class Lines {
  readonly #lines: Iterator<string>;
  #next: IteratorResult<string>;

  constructor(lines: Iterable<string>) {
    this.#lines = lines[Symbol.iterator]();
    this.#next = this.#lines.next();
  }

  get done(): boolean {
    return this.#next.done === true;
  }

  page(): string[] {
    const lines: string[] = [];
    let sizeBytes = 0;
    while (this.#next.done !== true) {
      sizeBytes += answerBytes(this.#next.value);
      if (lines.length > 0 && sizeBytes > RPC_PAGE_BYTES) break;
      lines.push(this.#next.value);
      this.#next = this.#lines.next();
    }
    return lines;
  }
}

/** Answers `messages.import`: a call without `more` starts anew, as does the one after a refusal. */
export function importing(people: Pick<PeopleFace, 'importHistory'>) {
  let taken: string[] = [];
  let chars = 0;
  return ({
    lines,
    more = false,
    done,
  }: Api['messages.import']['params']): Api['messages.import']['result'] => {
    if (!more) [taken, chars] = [[], 0];
    chars += lines.reduce((sum, line) => sum + line.length + 1, 0);
    if (chars > IMPORT_MAX_CHARS) {
      [taken, chars] = [[], 0];
      throw new LocalError('IMPORT_TOO_LARGE', 'that is too much for one import', {
        hint: `Split the file between lines into parts of at most ${IMPORT_MAX_CHARS / 2 ** 20} MiB: messages are merged.`,
      });
    }
    for (const line of lines) taken.push(line);
    if (!done) return { imported: 0 };
    const all = taken;
    [taken, chars] = [[], 0];
    return { imported: people.importHistory(all) };
  };
}

/** The client's half: `lines` in parts that each fit a call. Throws IMPORT_TOO_LARGE for a line that fits none. */
export async function* importParts(
  lines: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<readonly string[]> {
  let part: string[] = [];
  let sizeBytes = 0;
  let line = 0;
  for await (const text of lines) {
    line++;
    const textBytes = answerBytes(text);
    if (textBytes > IMPORT_LINE_MAX_BYTES) {
      throw new LocalError('IMPORT_TOO_LARGE', `line ${line} is longer than any message`, {
        hint: 'Import a file that `kith export` wrote; nothing was imported.',
        data: { line },
      });
    }
    if (part.length > 0 && sizeBytes + textBytes > RPC_PAGE_BYTES) {
      yield part;
      [part, sizeBytes] = [[], 0];
    }
    part.push(text);
    sizeBytes += textBytes;
  }
  if (part.length > 0) yield part;
}
