/**
 * What commands print. People get sentences on stdout, errors and warnings on stderr; programs (`--json`) get one JSON
 * object a line on stdout and nothing else. Colour and rewriting of the last line only on a terminal (and without
 * NO_COLOR). Where stdout is a pipe or a file, progress goes to stderr, so that only answers are in it.
 */

import { KithError } from '../safety/errors.ts';

/** sysexits.h where it has a value; DESIGN: 0 done, 1 failed, 2 wrong use. */
export const EXIT = { done: 0, failed: 1, usage: 2, unavailable: 69, runtime: 70 } as const;

/** Errors that mean the arguments, or what was piped in, cannot be used. */
const WRONG_USE = new Set([
  'USAGE',
  'ATTACHMENT_TOO_LARGE',
  'BAD_ADDRESS',
  'BAD_DURATION',
  'BAD_EPOCH',
  'BAD_HOURS',
  'BAD_NUMBER',
  'BACKUP_PLACE',
  'BAD_REFERENCE',
  'IMPORT_BAD_LINE',
  'IMPORT_TOO_LARGE',
  'INVITE_LIFE',
  'INVITE_MISTYPED',
  'MESSAGE_EMPTY',
  'MESSAGE_TOO_LONG',
  'NAME_BAD',
  'NAME_UNUSABLE',
  'NOTE_BAD',
  'NOTHING_TO_PUT',
  'NOTHING_TO_SEND',
  'NOT_TEXT',
  'PARAMS_WRONG',
  'PASSPHRASES_DIFFER',
  'PASSPHRASE_REFUSED',
  'PASSPHRASE_WEAK',
  'PICTURE_UNUSABLE',
  'QUERY_WRONG',
  'REACTION_TOO_LONG',
  'SAY_EMPTY',
  'STATUS_UNUSABLE',
  'TIMER_WRONG',
  'TOO_LONG',
]);

/** Errors that mean a needed service is not there. */
const UNAVAILABLE = new Set(['NODE_NOT_RUNNING', 'NODE_GONE', 'TOR_NOT_FOUND', 'TOR_UNSUITABLE']);

type Field =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Field[]
  | { readonly [key: string]: Field };

/** What programs get beside the name of an event or a result. */
export type Fields = { readonly [key: string]: Field };

export interface OutputStreams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export class Output {
  readonly json: boolean;
  readonly #streams: OutputStreams;
  readonly #colour: boolean;
  readonly #rewrites: boolean;
  #transient = false;

  constructor(json: boolean, streams: OutputStreams, env: NodeJS.ProcessEnv) {
    this.json = json;
    this.#streams = streams;
    this.#rewrites = !json && streams.stdout.isTTY === true;
    this.#colour = this.#rewrites && (env['NO_COLOR'] ?? '') === '';
  }

  /** Something happened: `sentence` for people (null: nothing to say), the fields for programs. */
  event(event: string, fields: Fields, sentence: string | null): void {
    if (this.json) this.#line({ event, ...fields });
    else if (sentence !== null) this.#write(`${sentence}\n`);
  }

  /** Where a long step is. On a terminal it replaces the line before; elsewhere it is a line on stderr. */
  progress(event: string, fields: Fields, sentence: string): void {
    if (this.json) {
      this.#line({ event, ...fields });
    } else if (this.#rewrites) {
      this.#write(this.dim(sentence));
      this.#transient = true;
    } else {
      this.#streams.stderr.write(`${sentence}\n`);
    }
  }

  /** The answer of a command, the last thing it prints. */
  result(result: string, fields: Fields, sentence: string): void {
    if (this.json) this.#line({ result, ...fields });
    else this.#write(`${sentence}\n`);
  }

  /** The answer where it is somebody's bytes: as they are, or as harmless text on a terminal. */
  content(result: string, fields: Fields, bytes: Uint8Array): void {
    if (this.json) {
      this.#line({ result, ...fields });
    } else if (this.#streams.stdout.isTTY === true) {
      this.#write(`${harmless(new TextDecoder().decode(bytes)).replace(/\n$/, '')}\n`);
    } else {
      this.#streams.stdout.write(bytes);
    }
  }

  /** What a person should know about the answer; programs have it in the fields. */
  warning(sentence: string): void {
    if (this.json) return;
    this.#write('');
    this.#streams.stderr.write(`kith: ${sentence}\n`);
  }

  /** Prints what went wrong and what to do next; returns the exit code. */
  error(error: unknown): number {
    const known =
      error instanceof KithError
        ? error
        : new KithError('UNEXPECTED', error instanceof Error ? error.message : String(error), {
            hint: 'This is a defect in kith: please report it with what you did before.',
          });
    if (this.json) {
      this.#line({
        event: 'error',
        code: known.code,
        message: known.message,
        hint: known.hint,
        ...known.data,
      });
    } else {
      this.#write('');
      this.#streams.stderr.write(`kith: ${known.message}\n      ${known.hint}\n`);
      const { lastLines } = known.data;
      // Only tor knows which line of the configuration it means.
      if (known.code === 'TOR_CONFIG' && typeof lastLines === 'string') {
        this.#streams.stderr.write(`      tor said: ${harmless(lastLines)}\n`);
      }
      if (!(error instanceof KithError) && error instanceof Error && error.stack !== undefined) {
        this.#streams.stderr.write(`${error.stack}\n`);
      }
    }
    if (WRONG_USE.has(known.code)) return EXIT.usage;
    return UNAVAILABLE.has(known.code) ? EXIT.unavailable : EXIT.failed;
  }

  bold(text: string): string {
    return this.#colour ? `\x1b[1m${text}\x1b[22m` : text;
  }

  dim(text: string): string {
    return this.#colour ? `\x1b[2m${text}\x1b[22m` : text;
  }

  #line(object: Fields): void {
    this.#streams.stdout.write(`${JSON.stringify(object)}\n`);
  }

  #write(text: string): void {
    if (this.#transient) this.#streams.stdout.write('\r\x1b[K');
    this.#transient = false;
    this.#streams.stdout.write(text);
  }
}

/** What the node answered, as fields. Its views are plain JSON throughout. */
export function fieldsOf(view: object): Fields {
  return view as Fields;
}

/** `1 peer`, `4 peers`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** `5.0 MB`, `812 B`: decimal units, as disks and networks count. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** `0.8 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/**
 * Text from outside, made harmless for a terminal: control characters (which could move the cursor, recolour or
 * retitle) and direction overrides become visible marks.
 */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this removes
  return text.replaceAll(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    '\ufffd',
  );
}

/** The same for a text that has to stay in its line: a name, a note. */
export function oneLine(text: string): string {
  return harmless(text).replaceAll(/[\t\n\u2028\u2029]+/g, ' ');
}
