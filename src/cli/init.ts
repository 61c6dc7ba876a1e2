/** `kith init`: makes the data directory and the key behind its onion address. */

import { linkIdentity } from '../net/link-identity.ts';
import { systemDisk } from '../safety/disk.ts';
import { systemRandom } from '../safety/random.ts';
import { openDataDir } from '../store/data-dir.ts';
import { createSecret } from '../store/secrets.ts';
import { onionOf } from '../wire/onion.ts';
import type { Context } from './context.ts';

export async function init({ output, dataDir }: Context): Promise<void> {
  const dir = await openDataDir(dataDir, systemDisk);
  const seed = await createSecret(dir, 'home.seed', systemDisk, systemRandom);
  const onion = `${onionOf(linkIdentity(seed).publicKey).host}.onion`;
  output.result(
    'init',
    { data: dir.root, onion },
    `Created ${dir.root}\nYour address: ${output.bold(onion)}\nStart the node with \`kith up\`.`,
  );
}
