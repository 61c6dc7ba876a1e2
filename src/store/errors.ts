/** What can be wrong with a data directory. */

import { KithError } from '../safety/errors.ts';

export type StoreErrorCode =
  | 'DATA_DIR_MISSING'
  | 'DATA_DIR_LOCKED'
  | 'DATA_DIR_UNSAFE'
  | 'SEED_DAMAGED'
  | 'SEED_EXISTS';

/** A data directory cannot be used as it is. */
export class StoreError extends KithError<StoreErrorCode> {
  override readonly name = 'StoreError';
}
