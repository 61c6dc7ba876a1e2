/** What can go wrong with the private Tor network. */

import { KithError } from '../safety/errors.ts';

export type TestnetErrorCode =
  /** No network runs in that directory. */
  | 'TESTNET_NOT_FOUND'
  /** The directory holds something else. */
  | 'TESTNET_DIR_IN_USE'
  /** Somebody else could have written what the directory says. */
  | 'TESTNET_UNSAFE'
  /** tor-gencert is missing or failed. */
  | 'TESTNET_KEYS'
  /** A tor of the network ended before it was ready. */
  | 'TESTNET_RELAY_DIED'
  /** It was not ready, or not gone, in time. */
  | 'TESTNET_TIMEOUT';

export class TestnetError extends KithError<TestnetErrorCode> {
  override readonly name = 'TestnetError';
}
