/** `kith init`: makes the data directory, its store, and the key behind its onion address. */

import { HomeRows } from '../node/home-rows.ts';
import { openPeopleDatabase } from '../node/open-store.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { systemDisk } from '../safety/disk.ts';
import { systemRandom } from '../safety/random.ts';
import { openDataDir } from '../store/data-dir.ts';
import { createStoreKey } from '../store/unlock.ts';
import { onionOf } from '../wire/onion.ts';
import type { Context } from './context.ts';
import { newPassphrase, type PassphraseOptions } from './passphrase-prompt.ts';

export interface InitOptions extends PassphraseOptions {
  /** Ask for a passphrase that every start needs. */
  readonly passphrase?: boolean;
}

export async function init(context: Context, options: InitOptions): Promise<void> {
  const { cost, output, dataDir } = context;
  const access = { disk: systemDisk, random: systemRandom };
  const dir = await openDataDir(dataDir, systemDisk);
  const { passphraseFile: file } = options;
  const wanted = options.passphrase === true || file !== undefined;
  const passphrase = wanted ? await newPassphrase(context, { file, option: '--passphrase-file' }) : undefined;
  const storeKey = await createStoreKey(dir, { ...access, passphrase, cost });
  const database = await openPeopleDatabase(dir, storeKey, access);
  const onion = `${onionOf(new HomeRows(database, nodeProvider).currentKey(systemRandom)).host}.onion`;
  database.close();
  output.result(
    'init',
    { data: dir.root, onion, passphrase: wanted },
    `Created ${dir.root}\nStart the node with \`kith up\`; others reach you with what \`kith invite\` prints.`,
  );
}
