/** What cannot be shown in a profile. */

import { KithError } from '../safety/errors.ts';

export type ProfileErrorCode = 'NAME_UNUSABLE' | 'STATUS_UNUSABLE' | 'PICTURE_UNUSABLE';

export class ProfileError extends KithError<ProfileErrorCode> {
  override readonly name = 'ProfileError';
}
