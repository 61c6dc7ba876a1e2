/** What a friends book refuses to its owner, and what it refuses to others. */

import { KithError } from '../safety/errors.ts';

/**
 * `INVITE_MISTYPED`: the text is no invite, or was changed on its way.
 * `INVITE_EXPIRED`: its time is over.
 * `INVITE_OWN`: it leads to oneself.
 * `INVITE_UNKNOWN`: no own invite has this id.
 * `INVITES_FULL`: as many doors are open as may be.
 * `INVITE_LIFE`: an invite cannot live so long, or so short.
 * `ALREADY_FRIENDS`: the person is a friend.
 * `BLOCKED`: the person is blocked.
 * `NOT_THAT_STATE`: what was asked for does not go with what the person is now.
 * `FRIENDS_FULL`: no more people can be let in at one home.
 * `WHO_UNKNOWN`: nobody has this name or id.
 * `WHO_AMBIGUOUS`: more than one has.
 * `NAME_TAKEN`: somebody else has this petname.
 * `NAME_BAD`: the name cannot be one.
 * `NOTE_BAD`: the note is too long, or no text.
 * `REQUEST_REFUSED`: what somebody else asked for is not granted.
 */
export type FriendsErrorCode =
  | 'INVITE_MISTYPED'
  | 'INVITE_EXPIRED'
  | 'INVITE_OWN'
  | 'INVITE_UNKNOWN'
  | 'INVITES_FULL'
  | 'INVITE_LIFE'
  | 'ALREADY_FRIENDS'
  | 'BLOCKED'
  | 'NOT_THAT_STATE'
  | 'FRIENDS_FULL'
  | 'WHO_UNKNOWN'
  | 'WHO_AMBIGUOUS'
  | 'NAME_TAKEN'
  | 'NAME_BAD'
  | 'NOTE_BAD'
  | 'REQUEST_REFUSED';

export class FriendsError extends KithError<FriendsErrorCode> {
  override readonly name = 'FriendsError';
}

/** Nobody has this name or id. */
export function whoUnknown(): FriendsError {
  return new FriendsError('WHO_UNKNOWN', 'nobody in the book is called so', {
    hint: 'See `kith friends` and `kith requests` for names and ids.',
  });
}

export function inviteUnknown(): FriendsError {
  return new FriendsError('INVITE_UNKNOWN', 'no invite of yours has this id', {
    hint: 'See `kith invites` for the open ones.',
  });
}

/** Only who asks can be answered. */
export function notAsking(): FriendsError {
  return new FriendsError('NOT_THAT_STATE', 'this person has not asked you', {
    hint: 'See `kith requests`.',
  });
}

export function isBlocked(): FriendsError {
  return new FriendsError('BLOCKED', 'you have blocked this person', {
    hint: 'Unblock them first (`kith unblock`): they may ask again then.',
  });
}

/** What somebody else asked for is not granted, and nothing of it is kept. */
export function refused(why: string): FriendsError {
  return new FriendsError('REQUEST_REFUSED', `refused: ${why}`, {
    hint: 'Nothing was changed; the other side hears no more than that.',
  });
}
