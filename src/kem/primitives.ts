/** What the end-to-end protocols are handed: the primitives and the randomness. They have no others. */

import type { Provider } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';

export interface Primitives {
  readonly provider: Provider;
  readonly random: RandomBytes;
}
