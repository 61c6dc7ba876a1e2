/** Argon2id as cheap as it can be: tests are about what is done with its result. */

import type { Argon2Cost } from '../../src/store/passphrase.ts';

export const CHEAP: Argon2Cost = { memoryKib: 8, passes: 1, lanes: 1 };
