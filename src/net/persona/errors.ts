/** What a persona refuses to do, before anything is sent. */

import { KithError } from '../../safety/errors.ts';

/**
 * `NO_DNS`: some component asked for a name.
 * `SERVICE_ROUTES`: a service would look up peers whose address is known already.
 * `REFUSED`: the peer is one that this persona must never meet.
 * `NO_ROOM`: a connection was cut that others need more.
 */
export type PersonaErrorCode = 'NO_DNS' | 'SERVICE_ROUTES' | 'REFUSED' | 'NO_ROOM';

export class PersonaError extends KithError<PersonaErrorCode> {
  override readonly name = 'PersonaError';
}
