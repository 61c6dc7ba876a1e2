/** Why a door gave no answer. */

import { KithError } from '../../safety/errors.ts';

/**
 * `DOOR_BUSY`: it is there and answers nobody now.
 * `DOOR_CLOSED`: the owner closed it, or stopped its node.
 * `DOOR_FORM`: only openings go through a door.
 */
export type DoorErrorCode = 'DOOR_BUSY' | 'DOOR_CLOSED' | 'DOOR_FORM';

const CAUSES: Readonly<Record<DoorErrorCode, readonly [message: string, hint: string]>> = {
  DOOR_BUSY: ['the invitation is used by many just now', 'Try again in a few minutes.'],
  DOOR_CLOSED: ['the door was closed', 'It is tried again; if it stays, ask for a new invitation.'],
  DOOR_FORM: ['only first messages go through a door', 'Nothing to do: the rest follows when they accept.'],
};

export class DoorError extends KithError<DoorErrorCode> {
  override readonly name = 'DoorError';

  constructor(code: DoorErrorCode, cause?: unknown) {
    const [message, hint] = CAUSES[code];
    super(code, message, cause === undefined ? { hint } : { hint, cause });
  }
}
