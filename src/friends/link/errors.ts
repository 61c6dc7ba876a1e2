/** Why there is no link with a friend, or no more. */

import { KithError } from '../../safety/errors.ts';

/**
 * `LINK_REFUSED`: the other side did not prove to be the friend, or did not accept that we are.
 * `LINK_BUSY`: too many have not logged in yet.
 * `LINK_SILENT`: the other side answers no more.
 * `LINK_REPLACED`: there is a newer link with the same friend.
 * `LINK_VIOLATED`: the friend's node sent what no honest one sends.
 * `LINK_CLOSED`: this side, or the other one, ended it.
 */
export type LinkErrorCode =
  | 'LINK_REFUSED'
  | 'LINK_BUSY'
  | 'LINK_SILENT'
  | 'LINK_REPLACED'
  | 'LINK_VIOLATED'
  | 'LINK_CLOSED';

const CAUSES: Readonly<Record<LinkErrorCode, readonly [message: string, hint: string]>> = {
  LINK_REFUSED: [
    'the login with this friend failed',
    'It is tried again. If it stays, one of you lost the keys: remove the friend and invite them anew.',
  ],
  LINK_BUSY: ['too many are logging in', 'Nothing to do: friends come again by themselves.'],
  LINK_SILENT: ['the friend answers no more', 'Nothing to do: the link is made anew by itself.'],
  LINK_REPLACED: [
    'there is a newer link with this friend',
    'Nothing to do: what was on its way goes over that one.',
  ],
  LINK_VIOLATED: [
    "the friend's node sent what is against the protocol",
    'Both of you should update; if it stays, ask the friend what they run.',
  ],
  LINK_CLOSED: ['the link with this friend is closed', 'Nothing to do: it is opened anew by itself.'],
};

export class LinkError extends KithError<LinkErrorCode> {
  override readonly name = 'LinkError';

  constructor(code: LinkErrorCode, cause?: unknown) {
    const [message, hint] = CAUSES[code];
    super(code, message, cause === undefined ? { hint } : { hint, cause });
  }
}

/** What a log may say of an error. */
export function codeOf(error: unknown): string {
  return error instanceof KithError ? error.code : 'UNKNOWN';
}
