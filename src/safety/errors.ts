/**
 * One shape for every error that kith raises on purpose.
 *
 * A person reads `message` (what happened) and `hint` (what to do next); a program switches on `code`.
 * `data` is public: it holds no secret, and nothing in it may be an onion address, a peer id or a name,
 * because errors end up in logs. Folders derive their own class so that `instanceof` tells who failed.
 */

/** What a {@link KithError} is made from. */
export interface ErrorDetail {
  /** What to do next, one sentence for a person. */
  readonly hint: string;
  /** Public facts about the failure: sizes, codes, durations. Never secrets, addresses or names. */
  readonly data?: Readonly<Record<string, string | number | boolean>>;
  /** The lower-level failure, kept for debugging. */
  readonly cause?: unknown;
}

/** Base of all typed errors. `Code` is a closed set of literal strings per folder. */
export class KithError<Code extends string = string> extends Error {
  override readonly name: string = 'KithError';
  readonly code: Code;
  readonly hint: string;
  readonly data: Readonly<Record<string, string | number | boolean>>;

  constructor(code: Code, message: string, detail: ErrorDetail) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.hint = detail.hint;
    this.data = detail.data ?? {};
  }
}

/**
 * The only error a decoder of outside bytes may throw: the bytes are not what the format says.
 * `format` is the decoder's name, which is also the name of its fuzz target.
 */
export class MalformedError extends KithError<'MALFORMED'> {
  override readonly name = 'MalformedError';
  readonly format: string;

  constructor(format: string, what: string, data: Readonly<Record<string, string | number | boolean>> = {}) {
    super('MALFORMED', `${format}: ${what}`, {
      hint: 'The other side sent bytes that do not follow the format; nothing was changed.',
      data: { format, ...data },
    });
    this.format = format;
  }
}
