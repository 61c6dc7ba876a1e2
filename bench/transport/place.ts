/** Where the rows of the transport bench are measured. */

import type { Testnet } from '../../src/testnet/index.ts';

/** What a row is measured on. */
export interface Place {
  /** Short scratch directory, gone after the bench. */
  readonly dir: string;
  /** The real private network; null for rows that do not need one. */
  readonly network: Testnet | null;
}
